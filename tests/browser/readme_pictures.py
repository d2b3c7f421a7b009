"""README's pictures of the LSTM scope, made from the real thing: `make pictures` (half a minute, needs Chromium).

A still, and a short animation: rows are read one by one, then the forget gate is held closed. What they show is a fact of the
component's sources and of the shipped weights; a hash of these lies beside the pictures, and tests/widgets/test_readme_pictures.py
says when they are out of date.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
STILL, MOVING, RECORD = (FOLDER / name for name in ("lstm_scope.png", "lstm_scope.gif", "lstm_scope.json"))
START = {"digit": 456, "row": 28}
CUT = {"gate": "f", "value": 0.0, "first": 10, "last": 14}
WIDTH, ROWS = 860, range(4, 29)
STEP, REST = 110, 2600  # milliseconds for a row, and at the end


def sources() -> str:
    """A hash of all that the pictures depend on: the component's script and style, the weights, and what this file does with them."""
    from course_utils.widgets import joined, weights

    parts = [joined.source("lstm_scope").encode(), joined.style("lstm_scope").encode(), weights.SHIPPED.read_bytes(), Path(__file__).read_bytes()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def texts() -> dict:
    """The text alternatives, computed from the data as the captions are."""
    from course_utils.widgets import LSTMScope

    alone, cut = LSTMScope(state=START), LSTMScope(state=START | {"forced": CUT})
    said = [int(scope.trace()["p"][-1].argmax()) for scope in (alone, cut)]
    maps = "a heat map each for three gates and three states, 28 rows by 64 units, and a bar for each class"
    return {
        "still": f"The LSTM scope: a handwritten digit, {maps}. {cut.caption()}",
        "moving": f"The LSTM scope reads a handwritten digit row by row: {maps}. After row 28 the answer is {said[0]}. "
                  f"Then the forget gate is held closed in rows {CUT['first']} to {CUT['last']}, and the answer is {said[1]}.",
    }  # fmt: skip


def shots() -> list:
    """Frames of the real thing in Chromium, and how long each stands: [(image, milliseconds), ...]; the last one is the still."""
    from bare import bare_page
    from PIL import Image

    from course_utils.kit.chromium import browser
    from course_utils.widgets import LSTMScope

    with browser() as chromium, tempfile.TemporaryDirectory() as place:
        page = chromium.new_page(viewport={"width": WIDTH, "height": 1100})
        Path(place, "page.html").write_text(bare_page([LSTMScope(state=START)]), encoding="utf-8")
        page.goto(Path(place, "page.html").as_uri())
        page.wait_for_function("window.ready && !document.querySelector('.u-counting') && document.querySelector('.u-result').textContent.includes('%')")

        def shot():
            return Image.open(io.BytesIO(page.locator(".unrolled-picture").screenshot())).convert("RGB")

        found = []
        for row in ROWS:
            page.get_by_label("Rows read").fill(str(row))
            found.append((shot(), STEP if row < 28 else REST // 2))
        page.get_by_label("forget gate", exact=True).check()
        found.append((shot(), REST // 2))
        page.wait_for_function("document.querySelector('.u-survey .u-note').textContent !== ''")
        found.append((shot(), REST))
    return found


def main() -> int:
    from PIL import Image

    frames = shots()
    FOLDER.mkdir(parents=True, exist_ok=True)
    frames[-1][0].quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(STILL, optimize=True)
    size = tuple(max(side) for side in zip(*(image.size for image, _ in frames)))
    same = [Image.new("RGB", size, "white") for _ in frames]
    for sheet, (image, _) in zip(same, frames):
        sheet.paste(image)
    palette = same[-1].quantize(256, method=Image.Quantize.MEDIANCUT)
    few = [sheet.quantize(palette=palette, dither=Image.Dither.NONE) for sheet in same]
    few[0].save(MOVING, save_all=True, append_images=few[1:], duration=[time for _, time in frames], loop=0, optimize=True)
    record = {"sources": sources(), "command": "make pictures", "alt": texts()}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for path, name in ((STILL, "still"), (MOVING, "moving")):
        print(f"![{record['alt'][name]}]({path.relative_to(ROOT).as_posix()})   {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
