"""The door through which YAML written by others comes in."""


class NotYamlError(Exception):
    """The text is not YAML, or holds tagged values that are not what they say; the message completes "it ..."."""


def load_yaml(data: bytes) -> object:
    """Reads one document of plain values (no objects of any class); raises NotYamlError."""
    import yaml  # only here: a list that is all known from the cache never pays for it

    loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document: object = yaml.load(data, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise NotYamlError(f"is not YAML: {error.problem or error.context}{line}") from error
    except yaml.YAMLError as error:
        raise NotYamlError("is not YAML text") from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        # what PyYAML's constructors let through for tagged values that are none, and for nesting without end
        raise NotYamlError("holds a value that is not what it says it is") from error
    return document
