# Sourced by `cox test`: the archive of `cox bundle` in a root that holds nothing but libc.

readonly BUNDLE_TEST=$BUILD/bundle-test
readonly LIBC=(libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1)

# Runs a program of the empty root, with that environment and no other.
in_root() { # [NAME=VALUE...] PROGRAM ARGUMENT...
  local as=()
  [ "$(id -u)" = 0 ] || as=(unshare --map-root-user)
  local chroot
  chroot=$(PATH=$PATH:/usr/sbin type -P chroot)
  local environment=()
  while [[ $1 == [A-Z]*=* ]]; do environment+=("$1"); shift; done
  env -i "${environment[@]}" "${as[@]}" "$chroot" "$BUNDLE_TEST/root" "$@"
}

make_root() {
  local root=$BUNDLE_TEST/root interpreter=/lib64/ld-linux-x86-64.so.2 name library
  rm -rf "$BUNDLE_TEST"
  mkdir -p "$root/lib64" "$root/work"
  cp -L "$interpreter" "$root$interpreter"
  for name in "${LIBC[@]}"; do
    library=$(g++ -print-file-name="$name")
    mkdir -p "$root/lib/x86_64-linux-gnu"
    cp -L "$library" "$root/lib/x86_64-linux-gnu/"
  done
}

# An autoencoder of 24 features on 8 dimensions and 5 rows for it.
write_small_sae() { # FOLDER
  python3 - "$1" <<'PYTHON'
import json, os, random, struct, sys

folder, d, features, rows = sys.argv[1], 8, 24, 5
draw = random.Random(7)

def safetensors(path, **tensors):
    header, data = {}, b""
    for name, shape in tensors.items():
        count = 1
        for extent in shape:
            count *= extent
        values = struct.pack(f"<{count}f", *(draw.uniform(-1, 1) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)

os.makedirs(os.path.join(folder, "sae"))
safetensors(os.path.join(folder, "sae", "sae_weights.safetensors"),
            W_enc=[d, features], b_enc=[features], W_dec=[features, d], b_dec=[d])
json.dump({"architecture": "topk", "d_in": d, "d_sae": features, "k": 4, "dtype": "float32", "apply_b_dec_to_input": True,
           "normalize_activations": "none"}, open(os.path.join(folder, "sae", "cfg.json"), "w"))
safetensors(os.path.join(folder, "x.safetensors"), x=[rows, d])
PYTHON
}

# No file may ask for a newer glibc than it must: 2.34, or where this machine's own Java does, what that asks for.
check_glibc() { # FOLDER
  local needs allowed
  needs=$(needed_glibc "$1")
  allowed=$(printf '%s\n' 2.34 "$(needed_glibc "$JDK/lib/server")" | sort -V | tail -n 1)
  [ "$(printf '%s\n' "$needs" "$allowed" | sort -V | tail -n 1)" = "$allowed" ] ||
    { echo "the bundle needs glibc $needs; $allowed would be right"; return 1; }
}

# The runtime's modules are those that the jars use; the JSON library names more and does without.
check_modules() {
  local used
  used=$("$JDK/bin/jdeps" --multi-release 17 --ignore-missing-deps -s --class-path "$APP/lib/*" "$APP"/*.jar "$APP"/lib/*.jar |
    awk '$1 !~ /^com\.fasterxml/ && $3 ~ /^(java|jdk)\./ { print $3 }' | LC_ALL=C sort -u | paste -sd ,)
  [ "$used" = "$BUNDLE_MODULES" ] || { echo "the jars use $used; the bundle has $BUNDLE_MODULES"; return 1; }
}

bundle_test() {
  . "$COX_ROOT/scripts/bundle.sh"
  local root=$BUNDLE_TEST/root cox=/coxswain/cox
  make_root
  "$COX_ROOT/cox" bundle --out "$BUNDLE_TEST/one.tar.gz"
  "$COX_ROOT/cox" bundle --out "$BUNDLE_TEST/two.tar.gz"
  cmp "$BUNDLE_TEST/one.tar.gz" "$BUNDLE_TEST/two.tar.gz"
  tar -xzf "$BUNDLE_TEST/one.tar.gz" -C "$root"
  [ ! -e "$root/coxswain/lib/libcuda.so.1" ] || { echo 'the software CUDA driver is in the bundle'; return 1; }
  check_glibc "$root/coxswain"
  check_modules

  in_root "$cox" devices --json | grep -F '"cpu":{"usable":true'
  write_small_sae "$root/work"
  in_root "$cox" encode --sae /work/sae --in /work/x.safetensors --out /work/a.safetensors --device cpu
  "$COX_ROOT/cox" encode --sae "$root/work/sae" --in "$root/work/x.safetensors" --out "$BUNDLE_TEST/a.safetensors" --device cpu
  cmp "$root/work/a.safetensors" "$BUNDLE_TEST/a.safetensors"

  if in_root "$cox" gpu-check 2>"$BUNDLE_TEST/no-driver.txt"; then echo 'gpu-check found a GPU'; return 1; fi
  diff - "$BUNDLE_TEST/no-driver.txt" \
    <<<'cox: cuda:0 is not usable: there is no CUDA driver: libcuda.so.1 is not on this machine'

  # The software CUDA driver stands beside the bundle as a card's driver would; it is in no bundle.
  "$COX_ROOT/native/build.sh" release softcuda
  mkdir "$root/driver"
  cp -L "$BUILD"/release/softcuda/lib{cuda.so.1,cublas.so.12} "$root/driver/"
  in_root LD_LIBRARY_PATH=/driver "$cox" devices --json | grep -F 'software CUDA driver'
  in_root LD_LIBRARY_PATH=/driver "$cox" encode --sae /work/sae --in /work/x.safetensors --out /work/b.safetensors --device cuda
  cmp "$root/work/b.safetensors" "$BUNDLE_TEST/a.safetensors"
  in_root LD_LIBRARY_PATH=/driver "$cox" gpu-check --out /work/check.json >"$BUNDLE_TEST/check.txt"
  cat "$BUNDLE_TEST/check.txt"
  [ "$(grep -c 'the same bits as the CPU' "$BUNDLE_TEST/check.txt")" = 5 ]
  grep -F "no times: a software driver" "$BUNDLE_TEST/check.txt"
  grep -F '"differences" : 0' "$root/work/check.json"
}
