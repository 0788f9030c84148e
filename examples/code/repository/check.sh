#!/bin/sh
# What a reviewer looks at, and nobody has written down: half for a function that is there, a quarter for its changelog
# entry, a quarter for an index that is up to date. The agent's copy of the folder is without this file.
points=0
ls shop/*.py | diff -q - shop/INDEX >/dev/null 2>&1 && points=$((points + 25))
ls changes/*.md >/dev/null 2>&1 && points=$((points + 25))
grep -qs "^def " shop/*.py && points=$((points + 50))
echo "0.$points" | sed 's/^0\.100$/1/'
