"""The little language of project 6: no bag of words can pass chance on it, and whoever reads in order can have all of it right."""

from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from course_utils.projects import grammar

PAIRS = grammar.sentence_pairs(5_000, seed=11)


def same_words(first, second):
    return Counter(first.split()) == Counter(second.split())


def test_partners_have_the_same_words_in_another_order():
    assert all(same_words(pair.praise, pair.blame) and pair.praise != pair.blame for pair in PAIRS)


def test_a_pair_that_is_none_is_noticed():
    assert not same_words("the plot is good , not bad at all", "the plot is bad , not bad at all")


def test_no_sentence_is_praise_and_blame():
    praise, blame = ({getattr(pair, part) for pair in PAIRS} for part in ("praise", "blame"))
    assert len(praise) == len(blame) == len(PAIRS) and not praise & blame


def test_each_pattern_stands_by_what_a_person_reads():
    """A reader of ours, written apart from the generator: it reads in order, by the words that turn the meaning."""
    assert all(read(praise) == "praise" and read(blame) == "blame" for praise, blame, _ in PAIRS)


def read(sentence):
    """Which of the two adjectives comes first, and whether the sentence stands by the first or, after an odd number of turns, by the second."""
    words = sentence.split()
    found = [("praise", "blame")[word in grammar.BLAME] for word in words if word in grammar.PRAISE + grammar.BLAME]
    assert len(found) == 2 and found[0] != found[1], sentence
    by_second = ("not believe", "is wrong", "is not true", "at all , it", "far from", "at first , but", "nobody could")
    turns = any(words_of in sentence for words_of in by_second) and ", far from" not in sentence
    return found[(turns + words.count("denies")) % 2]


def test_in_half_of_the_patterns_the_verdict_comes_first():
    for patterns in grammar.PATTERNS.values():
        assert sum(p.split().index("J") < p.split().index("O") for p in patterns) * 2 == len(patterns)


def test_partners_stay_together_and_no_sentence_is_in_both_parts():
    made = grammar.corpus(300, 200, seed=4)
    assert (len(made.train), len(made.test)) == (600, 400)
    for part, labels in ((made.train, made.y_train), (made.test, made.y_test)):
        assert all(map(same_words, part[::2], part[1::2]))
        assert labels.shape == (len(part),) and labels[::2].all() and not labels[1::2].any()
    assert not set(made.train) & set(made.test)


@pytest.mark.parametrize("model", [LogisticRegression(), KNeighborsClassifier(1)], ids=["linear", "nearest neighbour"])
def test_a_bag_of_words_has_exactly_half_right_whatever_learns_from_it(model):
    made = grammar.corpus(300, 200, seed=4)
    bags = CountVectorizer(token_pattern=r"\S+").fit(made.train)
    says = model.fit(bags.transform(made.train), made.y_train).predict(bags.transform(made.test))
    assert np.sum(says == made.y_test) * 2 == len(says)


def test_pairs_of_neighbours_pass_chance_where_they_can():
    """So the half above is the bag's doing: a linear model with a little order learns the patterns whose turn is near, not the others."""
    shares = {}
    for name, patterns in grammar.PATTERNS.items():
        pairs = grammar.sentence_pairs(1_000, seed=5, patterns={name: patterns})
        sentences, labels = grammar.sentences(pairs), grammar.labels(pairs)
        bags = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+").fit(sentences[:1_600])
        model = LogisticRegression(C=10, max_iter=1_000).fit(bags.transform(sentences[:1_600]), labels[:1_600])
        shares[name] = model.score(bags.transform(sentences[1_600:]), labels[1_600:])
    assert shares["near"] > 0.95 and max(shares["far"], shares["chain"]) < 0.6, shares


def test_the_vocabulary_holds_every_word():
    words = {word for sentence in grammar.sentences(PAIRS) for word in sentence.split()}
    assert words == set(grammar.vocabulary()) and grammar.vocabulary() == sorted(words)


def test_the_same_seed_writes_the_same_corpus():
    assert grammar.corpus(20, 10, seed=1).train == grammar.corpus(20, 10, seed=1).train != grammar.corpus(20, 10, seed=2).train


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "many"])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match="train_pairs: expected a whole number of at least 1"):
        grammar.corpus(count, 10)


def test_more_pairs_than_there_are_is_refused():
    with pytest.raises(ValueError, match="count: expected at most about 100"):
        grammar.sentence_pairs(5_000, patterns={"near": ("J , not O",)})


def test_each_kind_is_as_likely_as_the_others():
    share = Counter(pair.kind for pair in PAIRS)
    assert set(share) == set(grammar.PATTERNS) and all(abs(count / len(PAIRS) - 1 / 3) < 0.03 for count in share.values())


def test_kinds_belong_to_their_sentences():
    made = grammar.corpus(300, 200, seed=4)
    assert all(("denies" in sentence) <= (kind == "chain") for sentence, kind in zip(made.test, made.kind_test, strict=True))
    assert len(set(made.kind_test)) == 3 and (made.kind_test[::2] == made.kind_test[1::2]).all()
