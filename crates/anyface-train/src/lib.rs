//! Training and evaluation of every network of anyface.
