#!/bin/sh
# nvcc of the stand-ins, as far as emitted programs call it: nvcc -fatbin [-gencode arch=A,code=B]... -o OUTPUT SOURCE.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
output='' source='' architectures='' flags=''
while [ $# -gt 0 ]; do
    case $1 in
    --version)
        printf 'nvcc: a stand-in, which makes code for processors\nCuda compilation tools, release 13.0, V13.0.0\n'
        exit 0
        ;;
    -fatbin | -O? | -lineinfo) ;;
    -gencode)
        architectures="$architectures,${2##*code=}"
        shift
        ;;
    -Werror)
        flags="$flags -Werror"
        shift
        ;;
    -I) flags="$flags -I$2" && shift ;;
    -I* | -D*) flags="$flags $1" ;;
    -o) output=$2 && shift ;;
    -*)
        echo "nvcc fatal   : Unknown option '$1'" >&2
        exit 1
        ;;
    *) source=$1 ;;
    esac
    shift
done
if [ -z "$source" ] || [ -z "$output" ] || [ -z "$architectures" ]; then
    echo 'nvcc fatal   : No input files specified; use option --help for more information' >&2
    exit 1
fi
# shellcheck disable=SC2086
exec "$here/../standin/module.sh" --arch "${architectures#,}" "$source" "$output" $flags
