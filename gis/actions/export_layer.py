"""Export a layer: the polygons and lines that an edition was judged by, exactly as they are kept, for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gis.db import Tx
from gis.errors import UnknownExportLayer
from gis.layer_files import format_named, write_layer
from gis.progress import Progress
from gis.store.exports import LAYERS, layer_of


@dataclass(frozen=True)
class Exported:
    """What was written: the number of the edition, how many features, in which format."""

    edition: int
    features: int
    form: str


def export_layer(
    tx: Tx,
    city: str,
    layer: str,
    *,
    out: Path,
    form: str | None = None,
    number: int | None = None,
    overwrite: bool = False,
    now: datetime,
    progress: Progress,
) -> Exported:
    """Write one of ``LAYERS`` of a city's adopted edition (or of edition ``number``) to the file ``out``.

    ``form`` is one of ``gis.layer_files.FORMATS``; None takes the one that the file's ending says. The posts are named as they
    are held at ``now``. Raises ``UnknownExportLayer``, ``UnknownExportFormat``, ``NotFound``, ``NoAdoptedEdition``,
    ``ExportExists``, ``ExportNotWritten``.
    """
    if layer not in LAYERS:
        raise UnknownExportLayer("layer", layer, ", ".join(LAYERS))
    chosen = format_named(form, out)
    edition, features = layer_of(tx, city, LAYERS[layer], number=number, now=now)
    written = write_layer(features, out, form=chosen, overwrite=overwrite, progress=progress)
    return Exported(edition, written, chosen)
