"""A small linter for OpenAPI 3.1 documents: what a reader or a generator of code would stumble over.

lint(document) gives a list of complaints, empty when all is well.
"""
import re

import jsonschema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
STATUS = re.compile(r"^[1-5]\d\d$|^default$")


def resolve(document, ref):
    """The object a local reference points to; KeyError when there is none."""
    if not ref.startswith("#/"):
        raise KeyError(ref)
    found = document
    for part in ref[2:].split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def follow(document, thing):
    while isinstance(thing, dict) and "$ref" in thing:
        thing = resolve(document, thing["$ref"])
    return thing


def walk(node, where="#"):
    """(where, node) of everything in the document."""
    yield where, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from walk(child, f"{where}/{key}")


def operations(document):
    """(path, method, operation, parameters of path and operation)"""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                both = item.get("parameters", []) + item[method].get("parameters", [])
                yield path, method, item[method], [follow(document, p) for p in both]


def validator(document, schema):
    """Of a schema that may point into the document's components."""
    return jsonschema.Draft202012Validator({**schema, "components": document.get("components", {})})


def lint_references(document):
    used = set()
    for where, node in walk(document):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            try:
                resolve(document, node["$ref"])
                used.add(node["$ref"])
            except (KeyError, TypeError):
                yield f"{where}: {node['$ref']} does not resolve"
    for kind, things in document.get("components", {}).items():
        for name in things if kind != "securitySchemes" else ():
            if f"#/components/{kind}/{name}" not in used:
                yield f"#/components/{kind}/{name}: is not used"


def lint_top(document):
    if not re.match(r"^3\.1\.\d+$", str(document.get("openapi"))):
        yield "openapi: is not 3.1"
    for key in ("title", "version"):
        if not document.get("info", {}).get(key):
            yield f"info: has no {key}"
    names = {tag["name"] for tag in document.get("tags", [])}
    schemes = set(document.get("components", {}).get("securitySchemes", {}))
    for path, method, operation, _ in operations(document):
        for tag in operation.get("tags", []):
            if tag not in names:
                yield f"{method} {path}: tag {tag} is not declared"
        for requirement in operation.get("security", document.get("security", [])):
            if not set(requirement) <= schemes:
                yield f"{method} {path}: security {requirement} is not declared"


def lint_operations(document):
    seen = {}
    for path, method, operation, parameters in operations(document):
        here = f"{method} {path}"
        name = operation.get("operationId")
        if not name:
            yield f"{here}: has no operationId"
        elif name in seen:
            yield f"{here}: operationId {name} is that of {seen[name]}"
        seen[name] = here
        in_path = {p["name"] for p in parameters if p["in"] == "path"}
        if in_path != set(re.findall(r"\{([^}]+)\}", path)):
            yield f"{here}: parameters {sorted(in_path)} are not those of the path"
        for parameter in parameters:
            if parameter["in"] == "path" and parameter.get("required") is not True:
                yield f"{here}: path parameter {parameter['name']} is not required"
            if "schema" not in parameter and "content" not in parameter:
                yield f"{here}: parameter {parameter['name']} has no schema"
        if "requestBody" in operation and not follow(document, operation["requestBody"]).get("content"):
            yield f"{here}: the request body has no content"
        if not any(str(status).startswith("2") for status in operation.get("responses", {})):
            yield f"{here}: no success is described"
        for status, response in operation.get("responses", {}).items():
            if not isinstance(status, str) or not STATUS.match(status):
                yield f"{here}: {status!r} is no status"
            if not (follow(document, response) or {}).get("description"):
                yield f"{here}: {status} has no description"


def schemas(document):
    """(where, schema) of everything that is a schema, examples with the schema they belong to aside."""
    for where, node in walk(document):
        if isinstance(node, dict) and isinstance(node.get("schema"), dict):
            yield f"{where}/schema", node["schema"]
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield f"#/components/schemas/{name}", schema


def lint_schemas(document):
    for where, schema in schemas(document):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield f"{where}: {error.message}"
            continue
        for _, inner in walk(schema):
            if isinstance(inner, dict) and isinstance(inner.get("properties"), dict):
                for name in inner.get("required", []):
                    if name not in inner["properties"]:
                        yield f"{where}: required {name} is not among the properties"


def lint_examples(document):
    for where, node in walk(document):
        if not isinstance(node, dict) or not isinstance(node.get("schema"), dict):
            continue
        for name, example in node.get("examples", {}).items():
            for error in validator(document, node["schema"]).iter_errors(example["value"]):
                yield f"{where}/examples/{name}: {error.message}"
    for where, schema in schemas(document):
        for example in schema.get("examples", []):
            for error in validator(document, schema).iter_errors(example):
                yield f"{where}/examples: {error.message}"


def lint(document):
    complaints = [*lint_references(document), *lint_top(document)]
    if any("does not resolve" in complaint for complaint in complaints):
        return complaints   # the others would trip over it
    complaints += [*lint_operations(document), *lint_schemas(document)]
    return complaints or [*lint_examples(document)]
