"""The key-value database."""

from __future__ import annotations

from server.ami.registry import ListItem, Reply, Request, action, done, failure, listing

NO_FAMILY = "No family specified."
NO_KEY = "No key specified."
NOT_FOUND = "Database entry not found"
FOLLOWS = "Result will follow"


@action("DBGet", "system", "reporting", summary="Read a value of the database")
def get(request: Request) -> Reply:
    """Return a value."""
    family, key = request.need("Family", NO_FAMILY), request.need("Key", NO_KEY)
    value = request.context.store.get(family, key)
    if value is None:
        return failure(NOT_FOUND)
    fields = [("Family", family), ("Key", key), ("Val", value)]
    return listing(FOLLOWS, [("DBGetResponse", fields)], "DBGetComplete")


@action(
    "DBGetTree", "system", "reporting", summary="List what the database keeps below a family or key"
)
def get_tree(request: Request) -> Reply:
    """Return every value, those of a family, or a key of it with what is below."""
    store = request.context.store
    family, key = request.get("Family"), request.get("Key")
    prefix = "/".join(part for part in (family, key) if part)
    found = [
        (f"/{prefix}/{name}" if prefix else name, value) for name, value in store.items(prefix)
    ]
    own = store.get(family, key) if family and key else None
    if own is not None:
        found.insert(0, (f"/{prefix}", own))
    items: list[ListItem] = [
        ("DBGetTreeResponse", [("Key", name), ("Val", value)]) for name, value in found
    ]
    return listing(FOLLOWS, items, "DBGetTreeComplete")


@action("DBPut", "system", summary="Keep a value in the database")
def put(request: Request) -> Reply:
    """Keep a value."""
    family, key = request.need("Family", NO_FAMILY), request.need("Key", NO_KEY)
    request.context.store.put(family, key, request.get("Val"))
    return done("Updated database successfully")


@action("DBDel", "system", summary="Forget a value of the database")
def delete(request: Request) -> Reply:
    """Forget a value."""
    family, key = request.need("Family", NO_FAMILY), request.need("Key", NO_KEY)
    if not request.context.store.delete(family, key):
        return failure(NOT_FOUND)
    return done("Key deleted successfully")


@action("DBDelTree", "system", summary="Forget a family of the database, or what is below a key")
def delete_tree(request: Request) -> Reply:
    """Forget a family, or a key of it with what is below."""
    store = request.context.store
    family, key = request.need("Family", NO_FAMILY), request.get("Key")
    count = store.delete_tree(f"{family}/{key}" if key else family)
    if key:
        count += store.delete(family, key)
    if not count:
        return failure(NOT_FOUND)
    return done("Key tree deleted successfully")
