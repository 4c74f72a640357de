"""The loader bcc by its parts: whose module it is, where offsets come from, what becomes of a text and of instructions."""

from __future__ import annotations

import re
import struct
import tomllib
from pathlib import Path

import pytest

from ebpf import btf, objects
from ebpf.errors import LoadError, UnsupportedError
from ebpf.loaders import bccmodule
from ebpf.loaders.choice import loader_for
from ebpf.loaders.dialect import STUBS, translate
from ebpf.loaders.relocate import MAPS, SWAP, constant, relocated

ROOT = Path(objects.__file__).parent.parent


@pytest.fixture
def types() -> btf.Types:
    if not btf.VMLINUX.exists():
        pytest.skip("this kernel does not tell its types (BTF)")
    return btf.running()


def insn(code: int, registers: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("<BBhi", code, registers, offset, value)


def test_the_index_package_of_that_name_is_no_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[\[<>=~! ;]", one)[0].lower() for one in wanted}
    pinned = {line.split("==")[0].strip().lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}

    assert not {"bcc", "pybcc", "bpfcc", "pylibbpf"} & (names | pinned)
    assert not [path for path in (ROOT / "ebpf").rglob("*.py") if re.search(r"^\s*(import bcc\b|from bcc\b)", path.read_text(), re.MULTILINE)]


def test_another_package_named_bcc_is_refused(tmp_path: Path) -> None:
    lattice = tmp_path / "bcc"
    lattice.mkdir()
    (lattice / "__init__.py").write_text("class BCC: ...\n")

    with pytest.raises(UnsupportedError, match="not the compiler bcc"):
        bccmodule.found([str(lattice)])


@pytest.mark.parametrize("what", ["libbcc.py", "__init__.py", "."])
def test_a_module_that_others_can_write_is_refused(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "bcc"
    folder.mkdir()
    for name in ("__init__.py", "libbcc.py"):
        (folder / name).write_text("raise SystemExit('it was run')\n")
    (folder / what).chmod(0o777)

    with pytest.raises(UnsupportedError, match="root's alone"):
        bccmodule.found([str(folder)])


def test_where_there_is_none_the_package_to_install_is_named() -> None:
    with pytest.raises(UnsupportedError, match="python3-bpfcc"):
        bccmodule.found(["/nowhere/bcc"])


def test_no_kernel_header_can_be_reached() -> None:
    if why := bccmodule.why_not():
        pytest.skip(why)

    with pytest.raises(LoadError, match=r"sched\.h"):
        bccmodule.bcc().compile("#include <linux/sched.h>\n#define BCC_SEC(n) __attribute__((section(n), used))\nint f(void *c) { return 0; }\n", ["f"])

    assert sum(path.stat().st_size for path in STUBS.rglob("*.h")) < 4096


def test_what_the_compiler_complains_of_is_told() -> None:
    if why := bccmodule.why_not():
        pytest.skip(why)

    with pytest.raises(LoadError, match="nonsense") as caught:
        bccmodule.bcc().compile("#define BCC_SEC(n) __attribute__((section(n), used))\nint f(void *c) { return nonsense; }\n", ["f"])

    assert "error:" in caught.value.log


def test_a_helper_that_is_not_known_is_told_and_not_called(types: btf.Types, tmp_path: Path) -> None:
    if why := bccmodule.why_not():
        pytest.skip(why)
    (tmp_path / "bcc.h").write_text((STUBS.parent / "bcc.h").read_text())
    (tmp_path / "one.bpf.c").write_text('SEC("tp_btf/sched_process_exit")\nint p(__u64 *ctx) { return bpf_helper_of_tomorrow(ctx); }\n')

    with pytest.raises(LoadError, match="bpf_helper_of_tomorrow"):
        bccmodule.bcc().compile(translate("one", {}, types, tmp_path).text, ["p"])


def test_an_empty_constant_is_made_where_it_is_used(types: btf.Types, tmp_path: Path) -> None:
    (tmp_path / "bcc.h").write_text("")
    (tmp_path / "one.bpf.c").write_text("struct total {\n\t__u64 count;\n};\nstatic const struct total none;\nint f(void) { return update(&none, &none.count); }\n")

    assert "update(&(struct total){}, &none.count)" in translate("one", {}, types, tmp_path).text


def test_offsets_come_from_the_running_kernel(types: btf.Types) -> None:
    text = translate("connects", {}, types).text
    place = types.place("sock", "sk_protocol")

    assert place is not None
    assert f"char at_sk_protocol[{place.byte}]" in text
    assert f"_Static_assert(__builtin_offsetof(struct sock, sk_protocol) == {place.byte}" in text


def test_a_field_that_this_kernel_has_not_does_not_exist(types: btf.Types, tmp_path: Path) -> None:
    (tmp_path / "bcc.h").write_text("")
    (tmp_path / "one.bpf.c").write_text(
        "#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\nstruct task_struct {\n\tint pid;\n\tint colour;\n};\n#pragma clang attribute pop\n")

    text = translate("one", {}, types, tmp_path).text

    assert "char at_colour[65536]; int colour;" in text
    assert "char at_pid[65536]" not in text


def test_fields_and_tables_are_known_in_either_form_of_libbpf(types: btf.Types, tmp_path: Path) -> None:
    if why := bccmodule.why_not():
        pytest.skip(why)
    (tmp_path / "bcc.h").write_text((STUBS.parent / "bcc.h").read_text())
    (tmp_path / "one.bpf.c").write_text("""
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
	int pid;
	int colour;
};
#pragma clang attribute pop
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");
SEC("tp_btf/sched_process_exit")
int has(__u64 *ctx) { struct task_struct *task = (void *)ctx[0]; return bpf_core_field_exists(task->pid); }
SEC("tp_btf/sched_process_exit")
int has_not(__u64 *ctx) { return bpf_core_field_exists(struct task_struct, colour); }
""")

    made = translate("one", {}, types, tmp_path)
    code = bccmodule.bcc().compile(made.text, ["has", "has_not", "oncalm_key_size_0", "oncalm_value_size_0"])

    assert {name: constant(one) for name, one in code.items()} == {"has": 1, "has_not": 0, "oncalm_key_size_0": 4, "oncalm_value_size_0": 1016}
    assert made.maps == {"stacks": ("type", "max_entries", "key_size", "value_size")}


def test_type_information_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(b"\x7fELF and so on, but no types at all")

    with pytest.raises(UnsupportedError, match="no type information"):
        btf.running(tmp_path / "vmlinux")
    with pytest.raises(UnsupportedError, match="BTF"):
        btf.running(tmp_path / "nothing")


def test_nested_and_bit_fields_are_found(types: btf.Types) -> None:
    state, address = types.place("inet_connection_sock", "icsk_ca_state"), types.place("sock_common", "skc_daddr")

    assert state is not None
    assert address is not None
    assert state.bits == 5
    assert address.byte == 0  # in a structure without a name, in a union without one
    assert types.place("sock", "no_such_field") is None
    assert types.find(btf.TYPEDEF, "btf_trace_inet_sock_set_state") > 0


def test_maps_get_their_descriptors_and_jumps_go_where_they_went() -> None:
    swap = insn(0x85, value=SWAP)
    code = insn(0x18, 0x11, value=MAPS + 1) + insn(0) + insn(0x55, offset=2) + swap + insn(0x05, offset=-3) + insn(0x95)

    made = relocated(code, [7, 9])

    steps = [struct.unpack("<BBhi", made[at:at + 8]) for at in range(0, len(made), 8)]
    assert steps[0] == (0x18, 0x11, 0, 9)
    assert steps[2] == (0x55, 0, 3, 0)  # over one more
    assert steps[3:5] == [(0xBF, 0x20, 0, 0), (0xDB, 0x31, 0, 0xF1)]
    assert steps[5] == (0x05, 0, -4, 0)


def test_a_function_that_does_more_than_return_a_number_is_no_constant() -> None:
    assert constant(insn(0xB7, value=42) + insn(0x95)) == 42
    with pytest.raises(ValueError, match="more than"):
        constant(insn(0xB7, value=42) + insn(0x07, value=1) + insn(0x95))


def test_without_an_object_auto_takes_bcc(tmp_path: Path) -> None:
    if why := bccmodule.why_not():
        with pytest.raises(UnsupportedError, match="no loader can load"):
            loader_for("packets", "auto", tmp_path)
        pytest.skip(why)

    assert loader_for("packets", "auto", tmp_path).name == "bcc"


def test_with_an_object_auto_takes_it() -> None:
    if not objects.built():
        pytest.skip("the probes' objects were not built: make bpf")

    assert loader_for("packets").name == "core"
