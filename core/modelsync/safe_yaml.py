"""The door through which YAML written by others comes in.

How it works: PyYAML makes a tree of nodes before anything can look at it, in C: one nested fifty thousand times ends
the process, one of some megabytes takes gigabytes. So a document that could be such a one, by the number of its
indicators, is first read as a stream of events, which are counted. Merged mappings and long numbers unfold later: the
loader here counts what they become.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

LEVELS_MAX = 128
NODES_MAX = 400_000
"""Keys and values of one document; also what all its merges together may add."""
_NUMBER_MAX_CHARS = 4000
"""As many digits as Python reads of an ordinary one; one to the base of 60 would take time by the square."""
_INDICATORS = b"[{-?:,"
"""Each level, and each node but the first of a level, has one of its own."""
_HARMLESS_INDICATORS = 256
_MERGE = "tag:yaml.org,2002:merge"
_INT = "tag:yaml.org,2002:int"


class NotYamlError(Exception):
    """The text is not YAML, or holds tagged values that are not what they say; the message completes "it ..."."""


def load_yaml(data: bytes) -> object:
    """Reads one document of plain values (no objects of any class); raises NotYamlError.

    Also for one of more than LEVELS_MAX levels or NODES_MAX keys and values.
    """
    import yaml  # only here: a list that is all known from the cache never pays for it

    try:
        if len(data) - len(data.translate(None, _INDICATORS)) > _HARMLESS_INDICATORS:
            _count(data)
        document: object = yaml.load(data, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise NotYamlError(f"is not YAML: {error.problem or error.context}{line}") from error
    except yaml.YAMLError as error:
        raise NotYamlError("is not YAML text") from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        # what PyYAML's constructors let through for tagged values that are none, and for nesting without end
        raise NotYamlError("holds a value that is not what it says it is") from error
    return document


def _count(data: bytes) -> None:
    import yaml

    levels = 0
    for nodes, event in enumerate(yaml.parse(data, Loader=_loader())):
        if isinstance(event, yaml.CollectionStartEvent):
            levels += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            levels -= 1
        if levels > LEVELS_MAX or nodes > NODES_MAX:
            raise NotYamlError("has more values, or more within one another, than a model has")


@cache
def _loader() -> "type[yaml.SafeLoader | yaml.CSafeLoader]":
    import yaml

    base: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc, valid-type]  # the one in C where there is one
        merged = 0

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            sources: list[yaml.Node] = []
            for key, value in node.value:
                if key.tag == _MERGE:
                    sources += value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in {id(source): source for source in sources}.values():
                if isinstance(source, yaml.MappingNode):
                    self.flatten_mapping(source)
            self.merged += sum(len(source.value) for source in sources if isinstance(source, yaml.MappingNode))
            if self.merged > NODES_MAX:
                raise NotYamlError("merges mappings into more values than a model has")
            super().flatten_mapping(node)

        def construct_number(self, node: yaml.ScalarNode) -> int:
            if len(node.value) > _NUMBER_MAX_CHARS:
                raise NotYamlError(f"holds a number of {len(node.value)} digits")
            number: int = self.construct_yaml_int(node)
            return number

    Loader.add_constructor(_INT, Loader.construct_number)
    return Loader
