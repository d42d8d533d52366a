"""What all sections share: unknown keys refused, nothing converted, the model noted for each mapping read.

A field whose default depends on something else is None where the key is absent; its description states the default.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError


class Section(BaseModel):
    """A mapping of the file with known keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _note(cls, data: Any, info: ValidationInfo) -> Any:
        """Tell the caller which model read this mapping: its known keys are the suggestions for an unknown one."""
        if info.context is not None and isinstance(data, dict):
            info.context[id(data)] = cls
        return data

    def wrote(self, key: str) -> bool:
        """True where the file has the key itself."""
        return key in self.model_fields_set


Objects = Mapping[tuple[str, str], Section]
"""Objects of the file by section and name."""


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a section knows, as the file writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]


class Also:
    """For the JSON Schema of a value with a short form: that form is allowed besides the full one."""

    def __init__(self, *forms: JsonSchemaValue) -> None:
        self.forms = forms

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The short forms, then the full one."""
        full = handler(core)
        return {"anyOf": [*self.forms, *full.get("anyOf", [full])]}


def address_or_mapping(value: Any) -> Any:
    """A bare address is short for a mapping with nothing but an address."""
    if not isinstance(value, (str, dict)):
        raise refuse("must be an address, or a mapping with address: ..., not {value}")
    return {"address": value} if isinstance(value, str) else value


def type_tag(value: Any) -> str:
    """Tag, in a union, of a mapping or a model by its `type`."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>" if isinstance(kind, str) else ""


def one_or_list(value: Any) -> Any:
    """A single text is short for a list of one."""
    return [value] if isinstance(value, str) else value


def refuse(sentence: str) -> PydanticCustomError:
    """A fault of one value in an operator's words; `{value}` stands for what the file has."""
    return PydanticCustomError("value", "{sentence}", {"sentence": sentence})
