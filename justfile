# Lists the recipes.
default:
    @just --list

# Exactly what CI runs.
verify:
    bash .ci/run

# All tests.
test *arguments:
    cargo test --workspace {{arguments}}

# Plain against hardened, side by side: just bench --json
bench *arguments:
    cargo asc bench handler {{arguments}}

# Beside stock memcached: just bench-memcached --svg charts
bench-memcached *arguments:
    cargo asc bench memcached {{arguments}}

# A hardened server on memcached's port: just asc-run -t 2
asc-run *arguments:
    cargo asc run --release -p asc-memcached -- -p 11211 {{arguments}}

# Formats everything.
format:
    cargo fmt --all

# What hardened builds need, and what is there.
doctor:
    cargo asc doctor
