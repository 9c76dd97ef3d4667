"""The steps on a file's way, one room each: it takes ids, hands back transitions, calls no other stage."""
