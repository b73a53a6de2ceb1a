"""Compares dialplans."""

from __future__ import annotations

from typing import Any

from server.dialplan.plan import Plan


def plan_contents(plan: Plan) -> dict[str, Any]:
    """Everything of a plan but the places in files."""
    return {
        name: (
            [(include.context, include.source) for include in context.includes],
            [pattern.name for pattern in context.ignore_patterns],
            [
                (
                    extension.name,
                    extension.caller.name if extension.caller else None,
                    extension.hint,
                    extension.labels,
                    [(s.priority, s.application, s.source, s.label)
                     for s in extension.steps.values()],
                )
                for extension in context
            ],
        )
        for name, context in plan.contexts.items()
    }  # fmt: skip
