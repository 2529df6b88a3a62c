"""The first two stages: text -> tokens -> syntax tree.

Text comes in, an ``ast`` expression goes out, qualifiers inherited and made plain. Nothing here knows of link
types, and no name is looked up; errors carry the offset of what is wrong.
"""

from nmpcap.filter.syntax.lex import Tokens, tokenize
from nmpcap.filter.syntax.parse import parse

__all__ = ["Tokens", "parse", "tokenize"]
