"""The JSON Schemas: what the loader takes, an editor takes; what people read is there."""

import json

import pytest

from agent.settings.models import Destination, Feed
from agent.settings.schema import agent_schema, feed_schema

AGENT_KEYS = {
    "version",
    "drop",
    "state",
    "scan",
    "destinations",
    "acknowledgements",
    "notices",
    "limits",
    "monitor",
}


def _references(part):
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref")
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


@pytest.fixture
def agent(kinds):
    """Return the schema of agent.yaml for the tests' own destination."""
    return agent_schema(kinds)


@pytest.fixture
def feed():
    """Return the fields of a feed's schema."""
    return feed_schema()["properties"]


def test_every_reference_leads_to_a_definition_and_every_definition_is_used(agent):
    """The schemas are whole, and carry nothing else."""
    for schema in (agent, feed_schema()):
        assert {one.removeprefix("#/$defs/") for one in _references(schema)} == set(schema["$defs"])
        assert json.loads(json.dumps(schema)) == schema


def test_agent_yaml_has_the_keys_people_may_write(agent):
    """What the loader sets is not offered; what is required is said."""
    assert set(agent["properties"]) == AGENT_KEYS
    assert set(agent["required"]) == {"drop", "state", "destinations"}
    assert agent["additionalProperties"] is False


def test_a_feed_has_every_key(feed):
    """A feed's schema knows each field of its model."""
    assert set(feed) == set(Feed.model_fields)


def test_a_destination_is_chosen_by_its_type(agent, kinds):
    """Each kind has its own definition; a name that is no name has none."""
    destinations = agent["properties"]["destinations"]
    assert destinations["additionalProperties"] is False
    ((pattern, chosen),) = destinations["patternProperties"].items()
    assert pattern.startswith("^[a-z0-9]")
    assert chosen["properties"]["type"] == {"enum": ["sftp"]}
    assert chosen["allOf"][0]["then"] == {"$ref": "#/$defs/sftp"}
    sftp = agent["$defs"]["sftp"]
    assert set(sftp["properties"]) == set(kinds.destinations["sftp"].model_fields)
    assert "type" in sftp["required"]


def test_what_people_write_for_times_shares_and_sizes_is_described(feed, agent):
    """Editors know 10s, 10% and 64MiB, with defaults written so."""
    assert feed["settle"]["type"] == "string"
    assert feed["settle"]["default"] == "10s"
    assert "10s" in feed["settle"]["examples"]
    assert feed["max_size"]["type"] == ["string", "integer"]
    assert feed_schema()["$defs"]["BadRows"]["properties"]["at_most"]["default"] == "10%"
    assert agent["properties"]["scan"]["default"] == "5s"


def test_lists_may_be_single_texts_and_codes_a_list(feed):
    """The short ways of writing are described beside the long ones."""
    assert [form["type"] for form in feed["encoding"]["anyOf"]] == [["string", "number", "boolean"], "array"]
    assert [form["type"] for form in feed["codes"]["anyOf"]] == ["object", "array", "string"]
    assert "semicolon" in feed["delimiter"]["enum"]


def test_texts_may_look_like_numbers(feed):
    """An editor does not complain about `id: 16027` where a text is meant."""
    assert feed["variables"]["additionalProperties"]["type"] == ["string", "number", "boolean"]


def test_a_secret_has_exactly_one_reference(agent):
    """An editor marks a password in clear text, and two references."""
    secret = agent["$defs"]["sftp.Secret"]
    assert secret["type"] == "object"
    assert (secret["minProperties"], secret["maxProperties"]) == (1, 1)
    assert set(secret["properties"]) == {"credential", "file", "env"}


def test_every_field_of_ours_tells_what_it_is_for(feed, agent):
    """The comment behind a field reaches the editor."""
    fields = {**feed, **agent["properties"]}
    assert [name for name, field in fields.items() if not field.get("description")] == []
    common = agent["$defs"]["sftp"]["properties"]
    assert [name for name in Destination.model_fields if not common[name].get("description")] == []
    assert feed["settle"]["description"].startswith("a file is finished when it has been still for so long")
