//! What a pickle describes: nodes that refer to each other by number.
//!
//! Nodes stand in one list, so sharing, cycles and deep nesting cost no recursion, neither to build nor to drop.

use std::borrow::Cow;

use crate::file_slice::Fault;

/// Number of a [`Node`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// One Python object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits: nothing here asks which.
    BigInt,
    Float(f64),
    Text(Cow<'a, str>),
    /// Bytes, or a string of Python 2.
    Bytes(Cow<'a, [u8]>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by its name alone.
    Global {
        module: &'a str,
        name: &'a str,
    },
    /// What a class or function would make: it is never called.
    Call(Box<Call>),
    /// Something outside the pickle.
    Persistent(Id),
}

/// An object that Python would make by calling `callee` with `args`, and then fill.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) callee: Id,
    pub(crate) args: Id,
    /// What `__setstate__` would get.
    pub(crate) state: Option<Id>,
    /// What `__setitem__` would get.
    pub(crate) items: Vec<(Id, Id)>,
    /// What `append` or `add` would get.
    pub(crate) elements: Vec<Id>,
}

/// A whole pickle.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    /// Each with the offset of its opcode.
    nodes: Vec<(Node<'a>, usize)>,
}

impl<'a> Graph<'a> {
    pub(super) fn push(&mut self, node: Node<'a>, offset: usize) -> Id {
        let id = Id(u32::try_from(self.nodes.len()).expect("the machine limits the opcodes"));
        self.nodes.push((node, offset));
        id
    }

    pub(super) fn node_mut(&mut self, id: Id) -> &mut Node<'a> {
        &mut self.nodes[id.0 as usize].0
    }

    pub(crate) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize].0
    }

    /// All nodes, in the order of their opcodes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().map(|(node, _)| node)
    }

    /// A fault at the opcode that made a node.
    pub(crate) fn fault(&self, id: Id, reason: impl Into<String>) -> Fault {
        Fault::new(self.nodes[id.0 as usize].1, reason)
    }

    /// A string, of Python 2 or 3.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            Node::Bytes(bytes) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Bytes, also as protocols 0 to 2 write them: `_codecs.encode(text, 'latin1')`.
    pub(crate) fn bytes(&self, id: Id) -> Option<Cow<'_, [u8]>> {
        match self.node(id) {
            Node::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Node::Call(_) => match self.call(id)? {
                (("_codecs", "encode"), [text, ..]) => {
                    let latin1 = self.text(*text)?.chars().map(u8::try_from);
                    latin1.collect::<Result<Vec<u8>, _>>().ok().map(Cow::Owned)
                }
                (("builtins" | "__builtin__", "bytes"), []) => Some(Cow::Borrowed(&[])),
                _ => None,
            },
            _ => None,
        }
    }

    /// An integer that is no negative number.
    pub(crate) fn size(&self, id: Id) -> Option<usize> {
        match *self.node(id) {
            Node::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// Module and name of a global.
    pub(crate) fn global(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match *self.node(id) {
            Node::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }

    /// The elements of a tuple or list, also of a class derived from them (`torch.Size`).
    pub(crate) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::Tuple(elements) | Node::List(elements) => Some(elements),
            Node::Call(_) => match self.call(id)? {
                (("torch", "Size"), [elements]) => self.sequence(*elements),
                _ => None,
            },
            _ => None,
        }
    }

    /// Module and name of what is called, and its arguments.
    pub(crate) fn call(&self, id: Id) -> Option<((&'a str, &'a str), &[Id])> {
        let Node::Call(call) = self.node(id) else {
            return None;
        };
        match self.node(call.args) {
            Node::Tuple(args) => Some((self.global(call.callee)?, args)),
            _ => None,
        }
    }

    /// Keys and values of a dict, also of the classes derived from it that only hold items.
    pub(crate) fn mapping(&self, id: Id) -> Option<Cow<'_, [(Id, Id)]>> {
        match self.node(id) {
            Node::Dict(items) => Some(Cow::Borrowed(items)),
            Node::Call(call) => match self.call(id)? {
                (("collections", "OrderedDict"), args) => {
                    let mut items = match args {
                        [pairs] => self.pairs(*pairs)?,
                        _ => Vec::new(),
                    };
                    items.extend_from_slice(&call.items);
                    Some(Cow::Owned(items))
                }
                (("dnnlib.util" | "dnnlib", "EasyDict") | ("collections", "defaultdict"), _) => {
                    Some(Cow::Borrowed(&call.items))
                }
                (("argparse", "Namespace"), _) => self.mapping_of_state(call.state?),
                // A class derived from dict, as protocols 0 and 1 write it.
                (("copyreg" | "copy_reg", "_reconstructor"), &[_, base, items]) => {
                    let (_, "dict") = self.global(base)? else {
                        return None;
                    };
                    let mut items = self.mapping_of_state(items)?.into_owned();
                    items.extend_from_slice(&call.items);
                    Some(Cow::Owned(items))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The attributes of an object, which Python keeps in a plain dict.
    pub(crate) fn mapping_of_state(&self, state: Id) -> Option<Cow<'_, [(Id, Id)]>> {
        match self.node(state) {
            Node::Dict(items) => Some(Cow::Borrowed(items)),
            _ => None,
        }
    }

    /// The value of a text key in keys and values.
    pub(crate) fn get(&self, items: &[(Id, Id)], key: &str) -> Option<Id> {
        let mut values = items.iter().filter(|(k, _)| self.text(*k) == Some(key));
        values.next_back().map(|&(_, value)| value)
    }

    /// `[[key, value], …]`, as Python 2 writes an `OrderedDict`.
    fn pairs(&self, id: Id) -> Option<Vec<(Id, Id)>> {
        let pair = |&pair: &Id| match self.sequence(pair) {
            Some(&[key, value]) => Some((key, value)),
            _ => None,
        };
        self.sequence(id)?.iter().map(pair).collect()
    }
}
