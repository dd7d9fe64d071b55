"""What datasketch needs for the posts of benches/neardup.rs: python3 benches/neardup_datasketch.py FILE

FILE holds one text a line, UTF-8; each is cut to 100 characters. Prints microseconds per text for the signature, a
look-up and an insertion (MinHash of 128 permutations over pairs of characters, LSH at a threshold of 0.4), on one thread.
Needs the package datasketch.
"""

import sys
import time

from datasketch import MinHash, MinHashLSH

CHARS = 100
TEXTS_MAX = 20_000
PERMUTATIONS = 128
THRESHOLD = 0.4


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as lines:
        texts = [line.strip()[:CHARS] for line in lines if len(line.strip()) >= CHARS][:TEXTS_MAX]
    if not texts:
        sys.exit(f"no line has {CHARS} characters")
    grams = [[text[i : i + 2].encode() for i in range(len(text) - 1)] for text in texts]
    start = time.process_time()
    prints = []
    for pairs in grams:
        print_ = MinHash(num_perm=PERMUTATIONS)
        print_.update_batch(pairs)
        prints.append(print_)
    signed = time.process_time()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    query_s = insert_s = 0.0
    for number, print_ in enumerate(prints):
        before = time.process_time()
        index.query(print_)
        between = time.process_time()
        index.insert(str(number), print_)
        query_s += between - before
        insert_s += time.process_time() - between
    for what, seconds in (("signature", signed - start), ("look-up", query_s), ("insertion", insert_s)):
        print(f"{what:10} {seconds * 1e6 / len(texts):10.1f} us/text")


if __name__ == "__main__":
    main()
