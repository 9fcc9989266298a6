"""Archives and images that somebody damaged or made to harm: read, or refused in one line."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fuzzing import damaged, names, outcome
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.data.archives import open_source
from multilabel.data.images import describe, fault, open_rgb
from multilabel.data.names import is_junk
from multilabel.inference.images import View, pixels
from multilabel.inputs.image_cache import squeeze

CONTENTS = {"train.csv": b"ImageID,Labels,Caption\n1.jpg,1,a\n" * 20, "data/1.jpg": bytes(range(256)) * 4, "é/b": b""}
METHODS = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2,
           "lzma": zipfile.ZIP_LZMA}  # fmt: skip
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def zipped(contents: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(contents: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = (len(content), kind) if kind == tarfile.REGTYPE else (0, kind)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


SOUND = {f"a.{name}.zip": zipped(CONTENTS, method) for name, method in METHODS.items()}
SOUND |= {f"a.{name}": pack(tarred(CONTENTS)) for name, pack in PACKED.items()}


def content_of(name: str, content: bytes) -> dict[str, bytes | UserError] | UserError:
    """What is read of an archive, file by file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        files = outcome(lambda: open_source(path, max_unpacked_gb=0.01))
        if isinstance(files, UserError):
            return files
        return {one: outcome(lambda one=one: files.read(one)) for one in files.names}


@pytest.mark.parametrize("name", SOUND)
@given(data=st.data())
def test_a_damaged_archive_is_read_or_refused(name: str, data: st.DataObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)  # compressed ones are unpacked into its .cache
    assert content_of(name, SOUND[name]) == CONTENTS
    found = content_of(name, data.draw(damaged(SOUND[name])))
    if name.endswith(".zip") and not isinstance(found, UserError):  # each file of a zip has a checksum
        assert all(found[one] == CONTENTS[one] or isinstance(found[one], UserError) for one in CONTENTS if one in found)


hostile = st.lists(st.sampled_from(["..", ".", "", "/", "\\", "C:", "a", "__MACOSX", "._a", " ", "\n", "con", "é", "x" * 300])
                   | names, min_size=1, max_size=4).map("/".join).filter(bool)  # fmt: skip


@given(
    st.dictionaries(hostile, st.binary(max_size=20), min_size=1, max_size=5),
    st.booleans(),
)
def test_whatever_files_are_called_all_are_read_or_the_archive_is_refused(contents: dict, as_tar: bool) -> None:
    found = content_of("a.tar", tarred(contents)) if as_tar else content_of("a.zip", zipped(contents))
    if not isinstance(found, UserError):
        kept = {name: content for name, content in contents.items() if not is_junk(name)}
        assert len(found) <= len(kept)
        assert {c for n, c in kept.items() if not n.endswith("/")} <= set(found.values()) or as_tar
        assert not any(".." in name.split("/") or name.startswith("/") for name in found)


@given(st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE]), hostile)
def test_links_and_devices_are_refused(kind: bytes, name: str) -> None:
    found = content_of("a.tar", tarred({name: b""}, kind))
    assert isinstance(found, UserError) or found == {}


def drawn(mode: str, form: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((23, 17), 60).convert("RGB").convert(mode).save(buffer, form)
    return buffer.getvalue()


PICTURES = [drawn(mode, form) for mode, form in
            [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGB", "PNG"), ("P", "PNG"), ("I;16", "PNG"), ("RGBA", "PNG"), ("RGB", "WEBP"),
             ("P", "GIF"), ("RGB", "TIFF"), ("F", "TIFF"), ("L", "BMP"), ("RGB", "PPM"), ("RGB", "ICO"), ("RGB", "JPEG2000"),
             ("L", "PCX"), ("RGB", "SGI"), ("RGB", "TGA")]]  # fmt: skip


@given(st.sampled_from(PICTURES).flatmap(damaged) | st.binary(max_size=100))
def test_a_damaged_image_is_decoded_by_all_or_refused_by_all(content: bytes) -> None:
    problem = fault(content, max_megapixels=1)
    seen = outcome(lambda: pixels(content, View(8, "bilinear"), max_megapixels=1))
    if problem is None:
        assert open_rgb(content).mode == "RGB"
        assert squeeze(content, 8).shape == (8, 8, 3)
        assert min(describe(content)[:2]) > 0
        assert not isinstance(seen, UserError)
    else:
        assert problem.isprintable()
