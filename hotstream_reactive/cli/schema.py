"""`schema`: the contract of a task document, for editors, code generators and MongoDB."""

from __future__ import annotations

import json

import click

from hotstream_reactive.cli import output
from hotstream_reactive.model.schema import task_schema
from hotstream_reactive.model.validator import task_validator


@click.command()
@click.option("--mongodb", is_flag=True, help="The validator of MongoDB: {$jsonSchema: …}.")
@click.option("--json", "as_json", is_flag=True, help="One line, with schema_version around it.")
def schema(*, mongodb: bool, as_json: bool) -> int:
    """Print the JSON Schema (draft 2020-12) of a task document.

    With --mongodb it is what `hotstream init --validator` installs.

    \b
    Examples:
      hotstream schema > task.schema.json
      hotstream schema --mongodb | jq '."$jsonSchema".properties.priority'
    """
    tree = {"$jsonSchema": task_validator()} if mongodb else task_schema()
    if as_json:
        output.emit_json({"schema": tree})
    else:
        click.echo(json.dumps(tree, indent=2, ensure_ascii=True))
    return 0
