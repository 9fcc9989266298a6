"""Captions that name only some of what an image shows, in varied words, and now and then mislead."""

import numpy as np

MENTIONED = 0.8  # share of the shown labels that a caption speaks of
VAGUE = 0.25  # of the mentions, how many use a word that fits several labels
MISLEADING = 0.25  # of the captions, how many name a thing that is not shown ("at the bus stop")

# fmt: off
NOUNS: dict[str, list[str]] = {
    "1": ["a man", "a woman", "two people", "a boy", "a girl", "a person", "a young man", "some kids", "a lady",
          "a child", "a skateboarder", "a surfer", "a chef", "a couple", "three men", "a baseball player", "a guy"],
    "2": ["a bicycle", "a bike", "a cyclist's bike", "two bicycles", "a ten-speed", "a mountain bike"],
    "3": ["a car", "parked cars", "a sedan", "a taxi", "an old automobile", "a station wagon", "several cars", "an suv"],
    "4": ["a motorcycle", "a motorbike", "a scooter", "a moped", "a harley", "two motorcycles"],
    "5": ["an airplane", "a plane", "a jet", "an aircraft", "a jetliner", "a biplane"],
    "6": ["a bus", "a double decker", "a city bus", "two buses", "a coach", "a shuttle"],
    "7": ["a train", "a locomotive", "a tram", "a subway train", "a freight train", "rail cars"],
    "8": ["a truck", "a pickup", "a lorry", "a fire engine", "a semi", "a tow truck", "a delivery van"],
    "9": ["a boat", "a sailboat", "a ship", "a canoe", "a ferry", "two kayaks", "a yacht"],
    "10": ["a traffic light", "a stoplight", "traffic signals", "a signal", "a red light"],
    "11": ["a fire hydrant", "a hydrant", "a red hydrant", "a fireplug"],
    "13": ["a stop sign", "a red octagonal sign", "a sign that says stop", "a stop sign post"],
    "14": ["a parking meter", "a coin meter", "two parking meters", "a meter"],
    "15": ["a bench", "a park bench", "a wooden seat", "some benches", "a long bench"],
    "16": ["a bird", "a seagull", "a parrot", "an owl", "two ducks", "a pigeon", "some geese"],
    "17": ["a cat", "a kitten", "a tabby", "a black cat", "a kitty", "two cats"],
    "18": ["a dog", "a puppy", "a terrier", "a retriever", "two dogs", "a hound", "a small pup"],
    "19": ["a horse", "a pony", "a mare", "two horses", "a stallion", "a brown colt"],
}
VAGUE_NOUNS: dict[str, list[str]] = {
    "a crowd": ["1"], "somebody": ["1"], "a team": ["1"],
    "a vehicle": ["3", "4", "6", "8"], "traffic": ["3", "6", "8", "10"], "something on wheels": ["2", "3", "4", "8"],
    "an animal": ["16", "17", "18", "19"], "a pet": ["17", "18"], "a vessel": ["5", "9"],
    "street furniture": ["11", "14", "15"], "a pole": ["10", "13", "14"], "transport": ["5", "6", "7", "9"],
}
MISLEADERS: dict[str, str] = {
    "at the bus stop": "6", "near the train station": "7", "beside a hot dog stand": "18", "next to a bird feeder": "16",
    "by the boat house": "9", "with a toy car": "3", "under a painting of a horse": "19", "holding cat food": "17",
    "in front of a truck stop": "8", "wearing a bike helmet": "2", "on the people mover": "1", "by a bench press": "15",
    "with a paper airplane": "5", "with a motorcycle jacket": "4",
}
PLACES = ["in the park", "on a street", "in a field", "on a sunny day", "at night", "in the city", "by a wall", "outside",
          "near some buildings", "in front of a house", "under a cloudy sky", "on the grass", "close to the water", ""]
ADJECTIVES = ["", "", "", "big ", "small ", "colorful ", "shiny ", "dirty ", "nearby ", "old "]
LINKS = [" next to ", " and ", " with ", " near ", " beside ", " in front of ", " behind ", " along with ", " by "]
OPENERS = ["", "", "", "there is ", "this is ", "a picture of ", "a photo of ", "we can see "]
EMPTY_SCENES = ["a view of the area", "a nice scene", "a quiet place", "an outdoor scene", "a colorful picture", "a landscape"]
TYPO_RATE = 0.02  # of the words
# How often the published train.csv has each defect, about: 82 of 30,000 with unescaped quotes, 4 ending in `/`, 4 broken.
QUOTED = [' that reads "caution"', ' with the word "STOP, PLEASE" on it', ' called "Old Faithful"', ' saying "for rent"']
# fmt: on
DEFECTS = {"quotes": 0.006, "slash": 0.003, "break": 0.003}


def write_caption(labels: list[str], random: np.random.Generator) -> str:
    """One sentence about an image with these labels, in lower case with small faults."""
    mentioned = [label for label in labels if random.random() < MENTIONED]
    mentions = [_mention(label, random) for label in mentioned] or [_pick(EMPTY_SCENES, random)]
    sentence = _pick(OPENERS, random) + mentions[0]
    for mention in mentions[1:]:
        sentence += _pick(LINKS, random) + mention
    if random.random() < MISLEADING:
        phrase = _pick([phrase for phrase, label in MISLEADERS.items() if label not in labels], random)
        sentence = f"{sentence} {phrase}"
    sentence = f"{sentence} {_pick(PLACES, random)}".strip()
    words = [_typo(word, random) if random.random() < TYPO_RATE else word for word in sentence.split()]
    caption = " ".join(words) + ("." if random.random() < 0.7 else "")
    return caption[0].upper() + caption[1:]


def csv_field(caption: str, random: np.random.Generator) -> str:
    """The caption as the published CSV writes it: in quotes, those inside never escaped, a few broken."""
    roll = random.random()
    if roll < DEFECTS["quotes"]:
        caption = caption.rstrip(".") + _pick(QUOTED, random)
    elif roll < DEFECTS["quotes"] + DEFECTS["slash"]:
        caption = caption.rstrip(".") + "/"
    elif roll < sum(DEFECTS.values()):
        caption = caption.replace(" ", "\n", 1)
    return f'"{caption}"'


def _mention(label: str, random: np.random.Generator) -> str:
    vague = [noun for noun, fits in VAGUE_NOUNS.items() if label in fits]
    if vague and random.random() < VAGUE:
        return _pick(vague, random)
    article, _, noun = _pick(NOUNS[label], random).partition(" ")
    adjective = _pick(ADJECTIVES, random)
    if article in ("a", "an"):
        article = "an" if (adjective or noun)[0] in "aeiou" else "a"
    return f"{article} {adjective}{noun}" if noun else article


def _typo(word: str, random: np.random.Generator) -> str:
    """Two neighbouring letters swapped."""
    if len(word) < 4:
        return word
    at = int(random.integers(1, len(word) - 2))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _pick(options: list[str], random: np.random.Generator) -> str:
    return options[int(random.integers(len(options)))]
