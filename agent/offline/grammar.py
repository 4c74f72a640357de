"""Patterns over whole questions: follow-ups, commands, and what is no question about logs."""

from __future__ import annotations

import re

FOLLOW = re.compile(
    r"^(?:and|but|ok|okay|now|also|so|then|plus)\b[\s,]*|^(?:what|how) about\b\s*|^(?:same|the same)(?: (?:for|but|with|thing|question))*\s*|"
    r"^only\b\s*|^just\b\s*|^(?:without|excluding|except|not)\b", re.I)
PRONOUN = re.compile(
    r"\b(?:of |for |by |in )?(?:them|those|these|they|the (?:first|last|latest|earliest) one|that one|(?:those|these) (?:lines|records|messages|events|ones))\b(?! \d)", re.I)
BARE_LINES = re.compile(
    r"(?:(?:show|give|list|print|see|get)(?: me)?\s+)?(?:the\s+|those\s+|these\s+|all\s+)*(?:(?:first |last )?(?P<n>\d+)\s+)?"
    r"(?:of )?(?:(?:matching |actual |raw |log )?(?:lines|logs|records|messages|evidence|them|examples?))(?:\s+please)?|show (?:me|them)", re.I)
BARE_FOLLOW = re.compile(
    rf"(?:{BARE_LINES.pattern})|(?:the )?top \d+(?: (?:only|instead|then|please))+|top \d+|(?:for|from|on|in|by|at|per|with|since|before|after|between|"
    r"during|yesterday|today|around|last|grouped|broken)\b(?:\s+\S+){0,6}|who|(?:and )?(?:which|what) \w+|(?:.*\s)?instead|when|how many|how often|"
    r"(?:the )?(?:average|mean|median|max(?:imum)?|min(?:imum)?|p\d\d|total|sum|trend|first|last|peak|longest|shortest|slowest|largest)(?: one)?|over time|hourly|daily|"
    r"when (?:was|did|were) (?:the )?(?:first|last|it|that|peak)(?: one)?(?: happen| start| end)?|when did (?:it|that|they|this) (?:first |last )?(?:start|begin|end|stop|happen|occur)(?: \w+)?|"
    r"(?:which|what|whose) (?:\w+ ){1,2}(?:was|were|is|are|did|had) (?:it|that|this|those|affected|involved|responsible|most affected)", re.I)
COMMAND = re.compile(r"^(?:please\s+)?(?:can you\s+|could you\s+)?(?:delete|remove|restart|kill|scale|deploy|drop|rollback|roll back|reboot|shut ?down|patch|apply|create|edit|fix|stop|start|run|execute|install|write|send|email|page)\b(?!.*\b(?:log|logs|lines)\b)|^(?:please )?(?:put|switch|set|turn|take) .* (?:in|into|to|on|off|out of) (?:drain|maintenance|service|rotation|standby|debug)\b|^(?:please )?(?:block|ban|unban|unblock|blacklist|whitelist|disable|enable|revoke|rotate|flush)\b (?:the |this |that )?(?:ip|user|host|port|account|traffic|service|key|node|pod|cache|access|\d+\.\d+\.\d+\.\d+)\b|^(?:please )?(?:delete|drop|truncate|remove|erase|wipe|rm)\b", re.I)
INJECTION = re.compile(r"ignore (?:all |any )?(?:previous|prior|above) (?:instructions|prompts)|system prompt|you are now|disregard (?:all|the|any)", re.I)
OFF_TOPIC = re.compile(
    r"\b(?:weather|poem|joke|haiku|recipe|song|translate|capital of|meaning of life|stock price|president|"
    r"who (?:are|made|built) you|what are you|how are you|your name|write (?:me )?(?:a|an|some) )\b"
    r"|^(?:hi|hello|hey|thanks|thank you|yo|good (?:morning|evening))[\s!.,]*$", re.I)
WHY = re.compile(r"^(?:why\b|what (?:is|was) the (?:root )?cause|what caused|root cause)", re.I)
