"""How much of anything we look at: the one table of limits.

Every part of the gateway takes its bounds from here, so that no number is written twice. What
happens beyond a limit is said by whoever checks it; beyond it nothing is S/MIME, nothing is marked
and nothing is lost. Units stand in the names: octets, bits, seconds; what has no unit is a count.
"""

# Messages and header sections: RFC 5322 §2.1, RFC 1870 §4.
MESSAGE_OCTETS = 50 * 1024 * 1024  # announced as SIZE; the setting of the same name overrides it
HEADER_SECTION_OCTETS = 256 * 1024  # beyond: not S/MIME, not marked, delivered as it came
HEADER_REFUSE_OCTETS = 1024 * 1024  # beyond: 554 5.6.0
HEADER_FIELDS = 2_000  # beyond: the same; real mail has a few hundred
FIELD_OCTETS = 64 * 1024  # one header field with its name and folds
LINE_OCTETS = 998  # of what we write, without CRLF; RFC 5322 §2.1.1
DECODE_OCTETS = 10 * 1024  # decoded for a subject or an address; the rest stays encoded

# MIME: RFC 2046 §5.1.
MIME_DEPTH = 20  # a message without multiparts has depth 1
MIME_PARTS = 1_000  # all entities of a message, leaves and multiparts
BOUNDARY_OCTETS = 200  # RFC 2046 §5.1.1 allows 70; real mail goes a little beyond
SMIME_LAYERS = 8  # SignedData, EnvelopedData, ... inside one another

# DER and BER: X.690.
DER_DEPTH = 30
DER_ELEMENTS = 200_000
BER_SEGMENTS = 10_000  # of constructed strings, all together, but those of the next size
# QUIRK: BouncyCastle writes 1,000 octets at a time, 38,000 segments in a message of full size.
BER_LARGE_SEGMENT_OCTETS = 512  # one costs less than its octets: the message size bounds them
INTEGER_BITS = 16 * 1024

# CMS: RFC 5652 §5, §6; RFC 3274 §1.
RECIPIENT_INFOS = 1_000
SIGNER_INFOS = 1
CERTIFICATES = 50
CRLS = 20
COMPRESSION_RATIO = 10
COMPRESSED_OCTETS = 50 * 1024 * 1024  # after decompression
COMPRESSED_LAYERS = 1

# Transactions and certification paths: RFC 5321 §4.5.3, RFC 5280 §6.
RECIPIENTS = 1_000  # RCPT commands of one transaction; beyond: 452 4.5.3
PATH_CERTIFICATES = 6
PATH_SIGNATURES = 100
PATH_SECONDS = 0.2
REVOCATION_WAIT_SECONDS = 2.0  # the first wait for data that are not in the cache
