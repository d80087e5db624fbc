#!/bin/sh
# Makes the environment of the peers: the zoo of this clone, other people's libraries, and the
# four packages that bring them in.
#
#     benchmarks/peers/install.sh [FOLDER]      # FOLDER is .venv-peers unless given
set -eu
cd "$(dirname "$0")/../.."
folder=${1:-.venv-peers}
peers=benchmarks/peers

"${PYTHON:-python3.11}" -m venv "$folder"
python="$folder/bin/python"
install() {
    "$python" -m pip install --disable-pip-version-check --quiet \
        -c constraints.txt -c "$peers/constraints.txt" "$@"
}

echo "Installing into $folder; torch is large, so this may take minutes." >&2
install hatchling editables pytest
# Nothing below this line can bring another build of torch, which may be gigabytes of CUDA.
install torch
install --no-build-isolation -e .
install diffusers normflows POT zuko
# torchcfm asks for libraries that it uses elsewhere, and these for another build of torch.
install --no-deps torchcfm
for peer in zuko diffusers torchcfm normflows; do
    install --no-deps --no-build-isolation --force-reinstall "./$peers/$peer"
done

# Nothing may be missing but what torchcfm was refused.
missing=$("$python" -m pip check --disable-pip-version-check | grep -v '^torchcfm .* not installed' \
    | grep -v '^No broken requirements' || true)
if [ -n "$missing" ]; then
    echo "$missing" >&2
    exit 1
fi
