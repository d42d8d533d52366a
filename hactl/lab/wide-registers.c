/*
 * Lets Debian's user-mode Linux kernel run on processors whose register state is larger than it knows (AMX).
 *
 * The kernel keeps 2,696 bytes of its processes' extended registers and sets them with PTRACE_SETREGSET. A host whose
 * processor has more refuses a state that is not whole, and the guest's first process dies. Preloaded, this hands the
 * guest's kernel the part it knows and completes what it sets with the rest, which nothing in the guest uses.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <elf.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif
#define WIDEST 65536

typedef long (*ptrace_type)(int, long, void *, void *);

static char whole[WIDEST] __attribute__((aligned(64)));

long ptrace(enum __ptrace_request request, ...)
{
	static ptrace_type real;
	va_list arguments;
	long pid, result;
	void *address;
	struct iovec *known, all = {whole, WIDEST};

	va_start(arguments, request);
	pid = va_arg(arguments, int);
	address = va_arg(arguments, void *);
	known = va_arg(arguments, struct iovec *);
	va_end(arguments);
	if (!real)
		real = (ptrace_type)dlsym(RTLD_NEXT, "ptrace");
	if (request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE)
		return real(request, pid, address, known);
	result = real(PTRACE_GETREGSET, pid, address, &all);
	if (result < 0 || known->iov_len >= all.iov_len)
		return real(request, pid, address, known);
	memcpy(whole, known->iov_base, known->iov_len);
	return real(request, pid, address, &all);
}
