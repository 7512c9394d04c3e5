"""The pages on city packs say everything that a pack can say, and their examples are good."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel

from gis import city_pack
from gis.city_pack import Level, city_toml_schema, parse_city_toml
from gis.pack_findings import MOST_ROWS_NAMED

DOCS = Path(__file__).parents[2] / "docs"
PACKS = Path(__file__).parents[2] / "gis" / "packs"
PAGES = ["city-packs.md", "city-packs.zh-CN.md"]
MODELS = [
    thing
    for thing in vars(city_pack).values()
    if isinstance(thing, type) and issubclass(thing, BaseModel) and thing.__module__.startswith(city_pack.__name__)
]


def examples(page):
    return [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)]


@pytest.mark.parametrize("page", PAGES)
def test_every_field_of_a_pack_is_explained(page):
    text = (DOCS / page).read_text("utf-8")
    fields = {name for model in MODELS for name in model.model_fields}
    assert len(fields) >= 50
    assert [name for name in sorted(fields) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_are_good_packs(page):
    found = examples(page)
    assert len(found) == 1
    for document in found:
        parse_city_toml(document, pack=page)


@pytest.mark.parametrize("page", PAGES)
def test_the_numbers_are_those_of_the_code(page):
    text = (DOCS / page).read_text("utf-8")
    assert f"{Level.model_fields['mend_m2'].default:,.0f} m²" in text
    assert f" {MOST_ROWS_NAMED} " in text


def test_the_english_example_uses_every_part():
    [document] = examples(PAGES[0])
    assert set(document) == set(city_pack.CityPack.model_fields)


def test_the_schema_is_the_one_of_the_models():
    kept = json.loads((DOCS / "city-pack.schema.json").read_text("utf-8"))
    assert kept == city_toml_schema(), "write it again: python -m gis.city_pack > docs/city-pack.schema.json"


def test_the_schema_takes_every_pack_there_is_and_no_slip_of_the_pen():
    schema = city_toml_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    documents = [document for page in PAGES for document in examples(page)]
    documents += [tomllib.loads(path.read_text("utf-8")) for path in PACKS.glob("*/city.toml")]
    assert len(documents) > len(PAGES)
    for document in documents:
        assert list(check.iter_errors(document)) == []
        assert list(check.iter_errors({**document, "colour": "red"}))
