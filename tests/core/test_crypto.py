"""Secrets at rest: sealed to one row, under a ring of keys."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.crypto import KeyRingInvalid, SecretUnreadable, decrypt, encrypt, mask

ROW, OTHER_ROW = "providers.secret:1:blob", "providers.secret:2:blob"
OLD = "k1:" + base64.b64encode(b"1" * 32).decode()
NEW = "k2:" + base64.urlsafe_b64encode(b"\xff" * 32).decode()


@given(st.text())
def test_decrypt__own_row__gives_the_plaintext_back(plaintext):
    assert decrypt(encrypt(plaintext, bound_to=ROW), bound_to=ROW) == plaintext


@given(st.text())
def test_decrypt__blob_of_another_row__is_unreadable(plaintext):
    blob = encrypt(plaintext, bound_to=ROW)

    with pytest.raises(SecretUnreadable):
        decrypt(blob, bound_to=OTHER_ROW)


@given(st.text(max_size=80))
def test_decrypt__any_other_text__is_unreadable(text):
    with pytest.raises(SecretUnreadable):
        decrypt(text, bound_to=ROW)


@pytest.mark.parametrize("position", [0, 11, 12, 20, -1])
def test_decrypt__one_bit_flipped__is_unreadable(position):
    version, kid, encoded = encrypt("sk-0123456789", bound_to=ROW).split(".")
    sealed = bytearray(base64.urlsafe_b64decode(encoded))
    sealed[position] ^= 1

    with pytest.raises(SecretUnreadable):
        decrypt(f"{version}.{kid}.{base64.urlsafe_b64encode(sealed).decode()}", bound_to=ROW)


def test_decrypt__unknown_key__is_unreadable(settings):
    settings.MASTER_KEYS = [OLD]
    blob = encrypt("sk-0123456789", bound_to=ROW)

    settings.MASTER_KEYS = [NEW]

    with pytest.raises(SecretUnreadable):
        decrypt(blob, bound_to=ROW)


def test_rotate__new_key_in_front__reads_old_and_writes_new(settings):
    settings.MASTER_KEYS = [OLD]
    old_blob = encrypt("sk-0123456789", bound_to=ROW)

    settings.MASTER_KEYS = [NEW, OLD]
    new_blob = encrypt(decrypt(old_blob, bound_to=ROW), bound_to=ROW)

    assert (old_blob.split(".")[1], new_blob.split(".")[1]) == ("k1", "k2")
    settings.MASTER_KEYS = [NEW]
    assert decrypt(new_blob, bound_to=ROW) == "sk-0123456789"


def test_encrypt__same_text__never_repeats_a_nonce():
    blobs = [encrypt("same", bound_to=ROW) for _ in range(500)]

    assert len({base64.urlsafe_b64decode(blob.split(".")[2])[:12] for blob in blobs}) == 500


@pytest.mark.parametrize("entries", [[], [""], ["k1"], ["k1:short"], [":" + "A" * 44], ["a.b:" + "A" * 44]])
def test_encrypt__bad_ring__says_so(settings, entries):
    settings.MASTER_KEYS = entries

    with pytest.raises(KeyRingInvalid):
        encrypt("x", bound_to=ROW)


@pytest.mark.parametrize(
    ("plaintext", "shown"), [("", "…"), ("sk-12345678", "…"), ("sk-123456789", "…6789"), ("x" * 100, "…xxxx")]
)
def test_mask__secret__shows_at_most_four_characters(plaintext, shown):
    assert mask(plaintext) == shown
