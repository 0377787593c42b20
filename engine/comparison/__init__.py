"""What differs between two things, as values: trees of files, JSON values, tables, texts. Pure.

Every comparison takes what somebody else has read, and says at most as much as its ``Bounds`` let
it; whether more differs than is listed is part of the answer.
"""
