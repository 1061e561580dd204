"""Hypothesis strategies for the values that AMF carries."""

from __future__ import annotations

from hypothesis import strategies as st

from gamecast.amf import Date, EcmaArray, Undefined, Value, Xml

numbers = st.floats(allow_nan=False)
names = st.text(min_size=1, max_size=12)
scalars: st.SearchStrategy[Value] = st.one_of(
    numbers,
    st.booleans(),
    st.text(max_size=40),
    st.none(),
    st.just(Undefined.VALUE),
    st.builds(Date, numbers),
    st.builds(Xml, st.text(max_size=20)),
    st.binary(max_size=20),
)
values: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(names, inner, max_size=4),
        st.dictionaries(names, inner, min_size=1, max_size=4).map(EcmaArray),
    ),
    max_leaves=20,
)
