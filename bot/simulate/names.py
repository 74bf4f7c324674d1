"""Names of accounts and invoices: a scenario's are each client's own, the store's are told apart over all clients."""

from __future__ import annotations


class Names:
    """What the store calls the things of a scenario: their own name, or that after the client's where it is taken."""

    def __init__(self) -> None:
        self._refs: dict[tuple[str, str], str] = {}
        self._taken: dict[str, str] = {}

    def ref(self, client: str, name: str) -> str:
        """The reference of a client's thing, the same whenever it is asked for."""
        if (client, name) not in self._refs:
            ref = name
            while ref in self._taken:
                ref = f"{client}/{ref}"
            self._refs[client, name] = ref
            self._taken[ref] = name
        return self._refs[client, name]

    def plain(self, client: str, text: str) -> str:
        """A text about a client with the names of their things as the scenario writes them."""
        for (owner, name), ref in self._refs.items():
            if owner == client and ref != name:
                text = text.replace(ref, name)
        return text
