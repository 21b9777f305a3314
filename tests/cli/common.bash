# What all command-line tests share: the gen under test, inputs, and a scratch folder.
# GEN is set by ctest; by hand: GEN=build/dev/gen bats tests/cli.

setup() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    small=(-m "$root/models/ma-small.yaml" -t "$root/topologies/a100-4x4.yaml")
    workload=(--batch 8 --prefill 32 --context 64 --dtype f32)
    cd "$BATS_TEST_TMPDIR" || return
    export NO_COLOR=1
}

# run_split COMMAND...: like run, with stdout in $output and stderr in $errors.
run_split() {
    status=0
    "$@" >stdout.txt 2>stderr.txt || status=$?
    output=$(<stdout.txt)
    errors=$(<stderr.txt)
}

# expect STATUS and, on failure, show what was said.
expect() {
    if [ "$status" -ne "$1" ]; then
        printf 'status %s, wanted %s\nstdout: %s\nstderr: %s\n' \
            "$status" "$1" "$output" "$errors"
        return 1
    fi
}
