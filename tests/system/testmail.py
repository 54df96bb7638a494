"""Test mails, read by another implementation of MIME.

testmail.py TYPE FILE [FROM TO]   is FILE that test mail? Prints its id.
testmail.py grep FILE...          fails if one holds what scanners look for; directories are walked."""
import email
import email.policy
import io
import os
import re
import sys
import zipfile

# In pieces, as everywhere.
EICAR = b"X5O!P%@AP[4" + b"\\PZX54(P^)7CC)7}$" + b"EICAR-STAN" + b"DARD-ANTIVIRUS-" + b"TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQ" + b"ADN1.NSBN3*2IDNEN*" + b"GTUBE-STAN" + b"DARD-ANTI-UBE-" + b"TEST-EMAIL*C.34X"
NEEDLES = (EICAR, EICAR[28:62], EICAR[:28], GTUBE, GTUBE[28:62], GTUBE[:28])


def attachment(message, kind, name):
    first, second = message.iter_parts()
    assert second.get_content_type() == kind, second.get_content_type()
    assert second.get_filename() == name and second.is_attachment(), second.items()
    assert EICAR not in first.get_content().encode()
    return second.get_content()


def judge(kind, raw, sender, recipient):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    for part in message.walk():
        assert not part.defects, part.defects
        for name, value in part.items():
            assert not value.defects, (name, value.defects)
    assert message["From"].addresses[0].addr_spec == sender, message["From"]
    assert [a.addr_spec for a in message["To"].addresses] == [recipient], message["To"]
    assert message["Date"].datetime.tzinfo and message["Subject"] and message["MIME-Version"] == "1.0"
    assert message["Auto-Submitted"] == "auto-generated"
    for name in ("Date", "From", "To", "Subject", "Message-ID", "X-Toaster-Test"):
        assert len(message.get_all(name)) == 1, name
    number = message["X-Toaster-Test"]
    assert re.fullmatch(r"<" + re.escape(number) + r"@[a-z.0-9-]+>", message["Message-ID"]), message["Message-ID"]
    text = message if kind in ("clean", "spam") else next(message.iter_parts())
    assert text.get_content_type() == "text/plain" and number in text.get_content()
    if kind == "clean":
        assert EICAR not in raw and GTUBE not in raw
    elif kind == "spam":
        assert GTUBE.decode() in text.get_content().splitlines()
    elif kind == "virus":
        second = list(message.iter_parts())[1]
        assert second.get_content_disposition() == "inline", second.items()
        assert second.get_payload(decode=True) == EICAR, second.get_payload()
    elif kind == "attach":
        data = attachment(message, "application/octet-stream", "toaster-test.com")
        assert data.startswith(b"\xcd\x20") and EICAR not in data
    elif kind == "clam":
        data = attachment(message, "application/zip", "toaster-test.zip")
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            assert z.namelist() == ["eicar.com"] and z.testzip() is None
            assert z.read("eicar.com") == EICAR
    else:
        sys.exit(f"there is no type {kind}")
    return number


def grep(names):
    found = []
    for name in names:
        if os.path.isdir(name):
            for directory, below, files in os.walk(name):
                below[:] = [d for d in below if d not in (".git", "build", "__pycache__")]
                found += grep([os.path.join(directory, f) for f in files])
        elif os.path.isfile(name):
            with open(name, "rb") as f:
                data = f.read()
            found += [name for needle in NEEDLES if needle in data]
    return found


if sys.argv[1] == "grep":
    if grep(sys.argv[2:]):
        sys.exit(f"in one piece: {grep(sys.argv[2:])}")
else:
    with open(sys.argv[2], "rb") as f:
        content = f.read()
    sender, recipient = (sys.argv[3:] + ["postmaster@example.com"] * 2)[:2]
    print(judge(sys.argv[1], content, sender, recipient))
