"""The public names, and what importing them costs."""

import ast
import importlib
import importlib.resources
import importlib.util
import inspect
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import idxio

HEAVY = {
    "argparse", "asyncio", "bz2", "concurrent.futures", "ctypes", "gzip", "http", "IPython", "json", "logging",
    "lzma", "matplotlib", "multiprocessing", "pandas", "PIL", "platformdirs", "pydoc", "random", "shutil", "socket",
    "sqlite3", "ssl", "subprocess", "tarfile", "tempfile", "torch", "tqdm", "unittest", "urllib", "xml", "zipfile",
}  # fmt: skip


def modules_after(code):
    code += "\nimport sys; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_importing_imports_hardly_anything():
    new = modules_after("import idxio") - modules_after("pass")
    assert "numpy" not in new
    assert {name for name in new if name.startswith("idxio")} == {
        "idxio",
        "idxio._util",
        "idxio._util.version",
        "idxio.errors",
    }


def test_a_name_is_looked_up_once():
    code = "import idxio; assert 'read' not in vars(idxio); idxio.read; idxio.open"
    code += "; assert vars(idxio)['read'] is idxio.read; assert vars(idxio)['open'] is idxio.open"
    modules_after(code)


def test_importing_what_reads_imports_nothing_heavy():
    # numpy brings some of them itself, depending on its version.
    new = modules_after("from idxio import open, read") - modules_after("import numpy")
    assert "idxio.core.read" in new
    assert not new & HEAVY
    assert not {name for name in new if name.startswith("idxio.cli")}


def test_reading_a_small_file_imports_nothing_heavy():
    code = (
        "idxio.read(bytes.fromhex('0000080100000001ff'));"
        " idxio.open(bytes.fromhex('0000080100000001ff'))[0]"
    )
    new = modules_after(f"import idxio; {code}") - modules_after("import numpy")
    assert not new & HEAVY


def test_public_names():
    assert idxio.__all__ == sorted(idxio.__all__)
    assert len(set(idxio.__all__)) == len(idxio.__all__)
    for name in idxio.__all__:
        value = getattr(idxio, name)
        assert inspect.getdoc(value), name
    namespace = {}
    exec("from idxio import *", namespace)
    assert set(idxio.__all__) <= set(namespace)


def test_public_objects_are_called_what_users_call_them():
    for name in idxio.__all__:
        value = getattr(idxio, name)
        assert (value.__module__, value.__qualname__) == ("idxio", name)
        assert pickle.loads(pickle.dumps(value)) is value


def test_a_class_is_called_so_before_it_is_looked_up():
    # A caller has a Dataset of load() without having said idxio.Dataset.
    code = (
        "import idxio; from idxio.datasets.dataset import Dataset; print(Dataset, 'Dataset' in"
        " vars(idxio))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed == "<class 'idxio.Dataset'> False\n"


def test_dir_is_all():
    assert dir(idxio) == idxio.__all__


def test_public_classes_have_documented_members():
    for name in idxio.__all__:
        value = getattr(idxio, name)
        if inspect.isclass(value):
            for key, member in vars(value).items():
                if not key.startswith("_") and (callable(member) or isinstance(member, property)):
                    assert inspect.getdoc(member), f"{name}.{key}"


def test_options_are_keyword_only():
    for function in (idxio.read, idxio.write, idxio.Writer, idxio.info, idxio.verify, idxio.open):
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name not in ("file", "rows", "array", "dtype", "record_shape"):
                assert parameter.kind is parameter.KEYWORD_ONLY, (function, parameter)


def test_every_module_says_what_it_is_for():
    for module in pkgutil.walk_packages(idxio.__path__, "idxio."):
        if module.name == "idxio.__main__":
            continue
        try:
            text = importlib.import_module(module.name).__doc__
        except ImportError as error:  # an extra is missing, and the message says which
            assert "pip install 'idxio[" in str(error)  # noqa: PT017
            text = ast.get_docstring(
                ast.parse(Path(importlib.util.find_spec(module.name).origin).read_text())
            )
        assert text, module.name


def test_typed():
    assert (importlib.resources.files("idxio") / "py.typed").is_file()


def test_nothing_is_printed_or_logged():
    code = (
        "import logging; logging.basicConfig(level=0); import idxio, io\nidxio.write(f :="
        " io.BytesIO(), idxio.read(bytes.fromhex('0000080100000001ff')),"
        " compression='gzip')\nidxio.verify(f.getvalue()); idxio.info(f.getvalue());"
        " idxio.show_config()"
    )
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == result.stderr == ""
