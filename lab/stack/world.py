"""Answers of the world to Ref and Fn::GetAtt: ids from rows, attributes by describing."""

from typing import Any

from lab.stack.context import EngineContext
from lab.stack.functions import Scope
from lab.stack.journal import resources_of
from lab.stack.model import Source, Stack
from lab.stack.resolve import Setting, scope_of
from lab.stack.resources import TYPES
from lab.stack.secrets import Vault
from lab.stack.template import Template, load


def setting_of(ctx: EngineContext, stack: Stack) -> Setting:
    """What the stack's pseudo-parameters answer."""
    return Setting(ctx.region, ctx.account_id, ctx.zones, stack.name, stack.stack_id, stack.notification_arns)


def template_of(source: Source) -> Template:
    """The template a stack is made from; it was checked when it came in."""
    return load(source.template)[0]


def live_scope(ctx: EngineContext, stack: Stack, vault: Vault | None = None) -> Scope:
    """The scope of a stack now. Without a vault, dynamic references are left standing."""
    rows = resources_of(ctx.store, stack)

    def resource(name: str) -> Any:
        row = rows.get(name)
        return row.physical_id if row is not None and row.exists and row.physical_id else None

    def attribute(name: str, member: str) -> Any:
        physical_id = resource(name)
        if physical_id is None:
            return None
        read = TYPES[rows[name].type].attributes[member]
        return read(ctx.call, physical_id, rows[name].properties)

    reveal = str if vault is None else vault.reveal
    template = template_of(stack.source)
    return scope_of(template, setting_of(ctx, stack), stack.source.parameters, resource, attribute, reveal)
