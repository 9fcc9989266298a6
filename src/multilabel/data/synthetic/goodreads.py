"""A generated Goodreads CSV: published genre frequencies, descriptions that hint at genres, and the usual gaps."""

import csv
from pathlib import Path

import numpy as np

# Logits of the five most common genres and how they attract each other, set so that the shares come near those of the
# published crawl (fiction 0.85, romance 0.42, fantasy 0.41, young adult 0.32, contemporary 0.29 of 36,657 books; report
# of Do Ngoc Anh et al., class counts of its own repository).
GENRES = ["Fiction", "Romance", "Fantasy", "Young Adult", "Contemporary"]
LOGITS = np.array([1.6, -0.25, -0.75, -0.85, -1.05])
ATTRACTION = np.array(
    [
        [0.0, 0.2, 0.0, 0.0, 0.4],
        [0.2, 0.0, 0.0, 0.1, 1.1],
        [0.0, 0.0, 0.0, 0.9, -1.8],
        [0.0, 0.1, 0.9, 0.0, 0.3],
        [0.4, 1.1, -1.8, 0.3, 0.0],
    ]
)
OTHER_GENRES = ["Audiobook", "Historical", "Mystery", "Classics", "Adult", "Thriller", "Science Fiction", "Humor"]
SENTENCES: dict[str, list[str]] = {
    "Fiction": [
        "In this novel, {name} returns to {place} after twenty years of silence.",
        "A family saga told through the letters {name} never sent.",
        "The death of a neighbour forces {name} to look back on an ordinary life.",
        "A novel about memory, guilt and the price of a lie.",
        "When the factory in {place} closes, four lives come undone.",
        "With quiet humour the author portrays a marriage at its end.",
    ],
    "Romance": [
        "{name} swore never to fall in love again, until a stranger kissed her at the wedding.",
        "One summer, one kiss, and a heart that will not listen to reason.",
        "He is the billionaire she cannot stand; she is the woman he cannot forget.",
        "Can {name} trust the man who once broke her heart?",
        "Passion flares between {name} and the duke she was told to hate.",
        "A fake engagement turns into something dangerously like desire.",
    ],
    "Fantasy": [
        "{name} carries a sword forged by the last dragon of {place}.",
        "The kingdom falls when the old magic wakes beneath the mountain.",
        "A young witch must choose between the crown and the fae.",
        "Demons gather at the gates, and only {name} can read the prophecy.",
        "In a realm where shadows obey the mage, a thief steals a god's name.",
        "The wards of {place} are failing, and the dead have begun to walk.",
    ],
    "Young Adult": [
        "Sixteen-year-old {name} only wants to survive junior year.",
        "High school was bad enough before the new girl moved to {place}.",
        "{name} is seventeen, grounded, and the only one who saw it happen.",
        "Best friends since kindergarten, they never kept a secret until prom night.",
        "A teenage outsider finds out what her parents have been hiding.",
        "Everyone at school knows {name}, but nobody knows the truth.",
    ],
    "Contemporary": [
        "{name} juggles two jobs, a toddler and an ex who will not text back.",
        "After the divorce, she opens a bakery in {place} and starts over.",
        "A viral video turns the life of an office worker upside down.",
        "Told in emails and voice messages, this is a story of therapy and takeout.",
        "In modern-day {place}, three roommates learn what rent really costs.",
        "{name} swipes right on her new boss.",
    ],
}
COMMON_SENTENCES = [
    "Nothing will ever be the same for {name}.", "A story you will not be able to put down.",
    "From the bestselling author comes an unforgettable tale.", "But secrets have a way of coming out in {place}.",
    "This edition has a new foreword.", "Sometimes the hardest journey is the way home.",
    "{name} has one chance to make it right.", "Critics called it bold, moving and wise.",
]  # fmt: skip
NAMES = ["Anna", "Charlotte", "Kieran", "Maya", "Tobias", "Elena", "Brynn", "Jonah", "Iris", "Rafael", "Nora", "Silas"]
PLACES = ["Lochland", "Boston", "Ashvale", "New Orleans", "the valley", "Maine", "the capital", "Harrow", "the coast"]
TITLES = ["The {a} of {p}", "{a} and {b}", "A {a} for {n}", "Beyond the {a}", "{n}'s {a}"]
WORDS = ["Winter", "Promise", "Shadow", "House", "Secret", "River", "Crown", "Letter", "Garden", "Storm"]
OWN_GENRE = 0.6  # share of the sentences that tell of one of the book's genres; the others fit any book
EMPTY = {"description": 0.004, "genres": 0.012}  # shares of the published sample of 2,468 books, about


def write_goodreads(path: Path, labelled: int, unlabelled: int, seed: int) -> None:
    """`labelled` books as CSV at `path`; Goodreads has no unlabelled ones, so `unlabelled` must be 0."""
    random = np.random.default_rng(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["bookId", "title", "author", "description", "genres"])
        for number in range(labelled + unlabelled):
            genres = _genres(random)
            description = "" if random.random() < EMPTY["description"] else _description(genres, random)
            listed = [] if random.random() < EMPTY["genres"] else genres + _some(OTHER_GENRES, 3, random)
            author = f"{_pick(NAMES, random)} {_pick(WORDS, random)}"
            writer.writerow([f"book-{number}", _fill(_pick(TITLES, random), random), author, description, str(listed)])


def _genres(random: np.random.Generator) -> list[str]:
    """Gibbs sampling from the pairwise model, a few sweeps from the independent start."""
    present = random.random(len(GENRES)) < 1 / (1 + np.exp(-LOGITS))
    for _ in range(5):
        for genre in range(len(GENRES)):
            logit = LOGITS[genre] + ATTRACTION[genre] @ (present - 0.4)
            present[genre] = random.random() < 1 / (1 + np.exp(-logit))
    return [name for name, there in zip(GENRES, present, strict=True) if there]


def _description(genres: list[str], random: np.random.Generator) -> str:
    sentences = []
    for _ in range(int(random.integers(3, 8))):
        own = genres and random.random() < OWN_GENRE
        sentences.append(_fill(_pick(SENTENCES[_pick(genres, random)] if own else COMMON_SENTENCES, random), random))
    return " ".join(dict.fromkeys(sentences))


def _fill(template: str, random: np.random.Generator) -> str:
    words = {
        "a": _pick(WORDS, random),
        "b": _pick(WORDS, random),
        "n": _pick(NAMES, random),
        "p": _pick(PLACES, random),
    }
    return template.format(name=_pick(NAMES, random), place=_pick(PLACES, random), **words)


def _pick(options: list[str], random: np.random.Generator) -> str:
    return options[int(random.integers(len(options)))]


def _some(options: list[str], most: int, random: np.random.Generator) -> list[str]:
    return [options[i] for i in random.choice(len(options), size=int(random.integers(most + 1)), replace=False)]
