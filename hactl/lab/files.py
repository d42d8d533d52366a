"""The texts that the lab's programs read: nginx, sshd and hactl configurations.

Its law: a text follows from the plan and a folder alone; nothing is written here.
"""

from __future__ import annotations

from typing import Final

from hactl.lab.topology import DR_VIP, GATEWAY, NAT_VIP, TUN_VIP, Node, Plan, Role

SINK_PORT: Final = 2525
STATE_VARIABLE: Final = "HACTL_LAB_STATE"
SOCKET_VARIABLE: Final = "HACTL_LAB_SOCKET"
KEY_VARIABLE: Final = "HACTL_LAB_KEY"
ADVERTS: Final = "100ms"
SERVICES: Final = {"nat": NAT_VIP, "dr": DR_VIP, "tun": TUN_VIP}


def nginx(node: Node, folder: str) -> str:
    """A real server's web server: one process that answers with the node's name, or "ok" to a check."""
    temporary = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        "daemon off;\nmaster_process off;\nuser root;\n"
        f"pid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\n"
        "events { worker_connections 512; }\n"
        f"http {{\n{temporary}  access_log off;\n  default_type text/plain;\n"
        "  server {\n    listen 80 backlog=1024;\n"
        f'    location / {{ return 200 "{node.name}\\n"; }}\n'
        '    location = /health { return 200 "ok\\n"; }\n  }\n}\n'
    )


def sshd() -> str:
    """A real server's ssh daemon. Its folder is mounted over ``/run`` for it, so it writes nowhere else."""
    return (
        "Port 22\nHostKey /run/host_key\nPidFile /run/sshd.pid\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\n"
        "MaxStartups 100\nPrintMotd no\n"
    )


SSHD_COMMAND: Final = (
    "sh",
    "-c",
    'mount --bind "$1" /run && mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -r -f /run/sshd_config',
    "sshd",
)


def hactl(plan: Plan, adverts: str = ADVERTS) -> str:
    """``hactl.yaml``, the same on both directors; what differs between them comes from their environment.

    ``adverts`` is both routers' advert interval.
    """
    directors = "".join(f"  {node.name}: {{address: {node.lan}}}\n" for node in plan.of(Role.DIRECTOR))
    head = f"cluster: lab\ndirectors:\n{directors}\n"
    control = f"control: {{socket: '${{{SOCKET_VARIABLE}}}'}}\nstate_dir: '${{{STATE_VARIABLE}}}'\n"
    return (
        head
        + routers(adverts)
        + channel(plan)
        + (services(plan) + notify(plan) if plan.of(Role.SERVER) else "")
        + "health: {user: nobody}\n"
        + control
    )


def routers(adverts: str) -> str:
    """The addresses that move: the services' on the LAN, and NAT's gateway inside."""
    vips = ", ".join(SERVICES.values())
    return (
        "routers:\n"
        f"  web: {{vrid: 51, interface: eth0, addresses: [{vips}], advert_interval: {adverts}}}\n"
        f"  inside: {{vrid: 52, interface: eth1, addresses: [{GATEWAY}], advert_interval: {adverts}}}\n"
        "groups:\n  pair: [web, inside]\n\n"
    )


def channel(plan: Plan) -> str:
    """The directors' own channel, over the LAN and over the inside net."""
    ends = ", ".join(f"{node.name}: {node.inside}" for node in plan.of(Role.DIRECTOR))
    return f"peer:\n  key_file: '${{{KEY_VARIABLE}}}'\n  links: [{{{ends}}}]\n\n"


def services(plan: Plan) -> str:
    """A web service for each forwarding method, and ssh by direct routing.

    An ssh check makes sshd fork, which is dear in a guest: it is made seldom, and with patience.
    """
    lan = "".join(f"      {node.name}: {node.lan}\n" for node in plan.of(Role.SERVER))
    inside = "".join(f"      {node.name}: {node.inside}\n" for node in plan.of(Role.SERVER))
    text = (
        "checks:\n"
        "  page: {type: http, path: /health, body: {contains: ok}, interval: 2s, fast_interval: 500ms,\n"
        "         timeout: 2s, rise: 2, fall: 2}\n"
        "  login: {type: ssh, interval: 10s, fast_interval: 5s, timeout: 5s, rise: 1, fall: 3}\n\n"
        f"pools:\n  lan:\n    check: page\n    servers:\n{lan}"
        f"  inside:\n    check: page\n    servers:\n{inside}\nservices:\n"
    )
    for forward, vip in SERVICES.items():
        pool = "inside" if forward == "nat" else "lan"
        text += (
            f"  {forward}: {{address: {vip}, port: 80, scheduler: rr, forward: {forward}, pool: {pool}}}\n"
        )
    shell = f"  ssh: {{address: {DR_VIP}, port: 22, scheduler: rr, forward: dr, pool: lan, check: login}}\n"
    return text + shell + "\n"


def notify(plan: Plan) -> str:
    """Alerts by mail to the lab's own mail server, in the client's node."""
    sink = plan.of(Role.CLIENT)[0].lan
    return (
        "notify:\n"
        "  ops: {type: email, to: [ops@example.org], from: hactl@example.org,\n"
        f"        server: 'smtp://{sink}:{SINK_PORT}'}}\n\n"
    )
