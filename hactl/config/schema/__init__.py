"""The file's schema: one pydantic model a section, `document.Document` at the top."""
