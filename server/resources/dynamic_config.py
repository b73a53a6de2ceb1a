"""Configuration objects that come and go while the server runs: ``/asterisk/config/dynamic``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from server import model
from server.base.errors import NotFound


class ConfigObjects(Protocol):
    """The objects of one part of the server, such as those of SIP."""

    def has_type(self, object_type: str) -> bool:
        """Whether there are objects of this type."""

    def get(self, object_type: str, object_id: str) -> Sequence[tuple[str, str]] | None:
        """Return every option of an object with its value; ``None`` if there is none."""

    def put(self, object_type: str, object_id: str, fields: Sequence[tuple[str, str]]) -> None:
        """Make an object, or change some options of one.

        :raises Forbidden: it can't be made or changed here.
        :raises InvalidArgument: the name or an option can't be used; names the option.
        """

    def delete(self, object_type: str, object_id: str) -> None:
        """Delete an object.

        :raises NotFound: there is none.
        :raises Forbidden: it can't be deleted here.
        """


class DynamicConfig:
    """The configuration objects of all parts of the server."""

    def __init__(self) -> None:
        self._classes: dict[str, ConfigObjects] = {}

    def add_class(self, name: str, objects: ConfigObjects) -> None:
        """Register who has the objects of a class such as ``res_pjsip``."""
        self._classes[name] = objects

    # the API's verbs

    def get(self, config_class: str, object_type: str, object_id: str) -> list[model.ConfigTuple]:
        """Return every option of an object.

        :raises NotFound: no such class, type or object.
        """
        found = self._objects(config_class, object_type).get(object_type, object_id)
        if found is None:
            raise NotFound("Object not found")
        return [model.ConfigTuple(attribute=name, value=value) for name, value in found]

    def update(
        self,
        config_class: str,
        object_type: str,
        object_id: str,
        *,
        fields: Sequence[Mapping[str, str]] = (),
    ) -> list[model.ConfigTuple]:
        """Make an object, or change the options that are named; return all of them.

        :param fields: objects with ``attribute`` and ``value``.
        :raises NotFound: no such class or type.
        :raises Forbidden: it can't be made or changed here.
        :raises InvalidArgument: the name or an option can't be used; names the option.
        """
        objects = self._objects(config_class, object_type)
        given = [(field["attribute"], field["value"]) for field in fields]
        objects.put(object_type, object_id, given)
        return self.get(config_class, object_type, object_id)

    def delete(self, config_class: str, object_type: str, object_id: str) -> None:
        """Delete an object.

        :raises NotFound: no such class, type or object.
        :raises Forbidden: it can't be deleted here.
        """
        self._objects(config_class, object_type).delete(object_type, object_id)

    # private

    def _objects(self, config_class: str, object_type: str) -> ConfigObjects:
        objects = self._classes.get(config_class)
        if objects is None:
            raise NotFound("configClass not found")
        if not objects.has_type(object_type):
            raise NotFound("objectType not found")
        return objects
