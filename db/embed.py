#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the migrations as rows of a C table: {version, name, lines of the text}."""
import pathlib
import sys

rows = []
for name in sys.argv[2:]:
    path = pathlib.Path(name)
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join('\t"%s\\n",' % line.replace("\\", "\\\\").replace('"', '\\"') for line in lines
                     if line and not line.startswith("--"))
    rows.append('{%d, "%s", (const char *const[]){\n%s\n\tNULL}},\n' % (int(path.stem.split("_")[0]), path.stem, text))
pathlib.Path(sys.argv[1]).write_text("".join(rows), encoding="utf-8")
