"""A summary as HTML for mail: everything escaped, styles inline, nothing loaded from anywhere; pictures only by cid."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from agent.summaries.document import Item, Section, Summary

_STYLE = "font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:1.45;color:#1b1f24;max-width:760px"
_COLOURS = {"bad": "#b3261e", "watch": "#8a5a00", "plain": "#1b1f24"}
_CODE = "font-family:Consolas,Menlo,monospace;font-size:12px;background:#f3f4f6;padding:1px 4px;word-break:break-word"
_CELL = "border:1px solid #d0d7de;padding:4px 8px;text-align:left;vertical-align:top"


def html(summary: Summary, pictures: Sequence[tuple[str, str]] = ()) -> str:
    """A whole document. ``pictures``: (content id, what it shows) of images sent along with it."""
    body = [f'<h1 style="font-size:20px">{escape(summary.title)}</h1>', "".join(f"<p>{escape(one)}</p>" for one in summary.lead)]
    body += [_section(one) for one in summary.sections]
    body += [f'<p><img src="cid:{escape(cid)}" alt="{escape(alt)}" style="max-width:100%"></p>' for cid, alt in pictures]
    if summary.missing:
        body.append(f'<h2 style="font-size:16px">Not assessed</h2><ul>{"".join(f"<li>{escape(one)}</li>" for one in summary.missing)}</ul>')
    body += [f'<p style="color:#57606a">{escape(one)}</p>' for one in summary.notes]
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(summary.title)}</title></head>'
            f'<body><div style="{_STYLE}">{"".join(body)}</div></body></html>\n')


def _section(section: Section) -> str:
    items = "".join(map(_item, section.items)) + (f"<li>… and {section.more} more</li>" if section.more else "")
    told = [f'<h2 style="font-size:16px">{escape(section.title)}</h2>', f"<ul>{items}</ul>" if items else ""]
    if section.columns:
        head = "".join(f'<th style="{_CELL}">{escape(one)}</th>' for one in section.columns)
        rows = "".join(f"<tr>{_cells(row)}</tr>" for row in section.rows)
        told.append(f'<table style="border-collapse:collapse"><tr>{head}</tr>{rows}</table>')
    told += [f"<p><em>{escape(one)}</em></p>" for one in section.prompts]
    return "".join(told)


def _cells(row: tuple[str, ...]) -> str:
    return "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row)


def _item(item: Item) -> str:
    code = f' <code style="{_CODE}">{escape(item.code)}</code>' if item.code else ""
    return f'<li style="color:{_COLOURS[item.weight]}">{escape(item.text)}{code}</li>'
