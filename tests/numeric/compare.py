"""Compare logits with golden ones: compare.py MEASURED.npy GOLDEN.npy TIMES

MEASURED holds the sequences of GOLDEN, TIMES times one after another. Passes if no element differs by more
than 1e-5 of the largest golden magnitude.
"""

import sys

import numpy

TOLERANCE = 1e-5


def main(measured_path: str, golden_path: str, times: str) -> int:
    measured = numpy.load(measured_path).astype(numpy.float64)
    golden = numpy.tile(numpy.load(golden_path).astype(numpy.float64), (int(times), 1, 1))
    if measured.shape != golden.shape:
        print(f"logits: shape {measured.shape}, golden {golden.shape}")
        return 1
    if not numpy.isfinite(measured).all():
        print("logits: some are not finite")
        return 1
    relative = float(numpy.abs(measured - golden).max() / numpy.abs(golden).max())
    verdict = "within" if relative <= TOLERANCE else "OVER"
    print(f"logits: differ by {relative:.2e} of the largest, {verdict} {TOLERANCE:.0e}")
    return 0 if relative <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
