"""What the YAML parser complains of, in an operator's words."""

import yaml

_SENTENCES = (
    ("found character that cannot start any token", "{char} cannot start a value; put the text in quotes"),
    ("mapping values are not allowed", "a ': ' where none can be: is the indentation right, or are quotes missing?"),
    ("could not find expected ':'", "a key without ':' before the end of its line"),
    ("did not find expected key", "a key was expected here: is the indentation right?"),
    ("did not find expected '-' indicator", "a list item '- ' was expected here: is the indentation right?"),
    ("did not find expected ',' or '}'", "',' or '}}' is missing before this"),
    ("did not find expected ',' or ']'", "',' or ']' is missing before this"),
    ("found unexpected end of stream", "the file ends within quotes"),
    ("found unexpected document indicator", "'---' or '...' within quotes"),
    ("block sequence entries are not allowed", "a list item '- ' where none can be; a list starts on its own line"),
    ("found unknown escape character", "an unknown backslash sequence; in 'single quotes' a backslash is itself"),
    ("did not find expected node content", "a value is missing here"),
    ("did not find expected <document start>", "something follows the end of the document"),
    ("found duplicate anchor", "the anchor is defined twice"),
    ("exceeded", "nested too deep"),
)  # fmt: skip


def sentence(error: yaml.MarkedYAMLError, text: str) -> str:
    """One sentence for a parser's error; tabs, the commonest cause, by name."""
    problem = error.problem or "is not YAML"
    mark = error.problem_mark or error.context_mark
    line = text.split("\n")[mark.line] if mark is not None and mark.line <= text.count("\n") else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or (mark is not None and line[mark.column : mark.column + 1] == "\t"):
        return "a tab; YAML is indented by spaces only"
    char = line[mark.column : mark.column + 1] if mark is not None else ""
    for known, words in _SENTENCES:
        if known in problem:
            return words.format(char=f"'{char}'" if char else "the end of the line")
    return f"is not YAML: {problem}"
