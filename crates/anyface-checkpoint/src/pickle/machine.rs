//! The pickle stack machine.

use std::borrow::Cow;
use std::collections::HashMap;

use super::opcode::*;
use super::{Call, Graph, Id, Node, text};
use crate::file_slice::{Fault, Reader};

/// The most opcodes in a pickle. Each opcode creates at most one node, one stack or memo entry, and
/// one element of a container, so this also bounds memory, to about 200 MB. The largest known
/// checkpoints have a tenth as many.
const MAX_OPCODES: usize = 1 << 20;

/// Reads one pickle up to its STOP opcode. Returns the nodes and the root.
///
/// # Errors
/// If an opcode is unknown or does not fit the stack, or there are more than [`MAX_OPCODES`].
pub(crate) fn load<'a>(reader: &mut Reader<'a>) -> Result<(Graph<'a>, Id), Fault> {
    let mut machine = Machine {
        reader,
        offset: 0,
        graph: Graph::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    for _ in 0..MAX_OPCODES {
        machine.offset = machine.reader.offset();
        match machine.reader.byte()? {
            STOP => {
                let root = machine.pop()?;
                return Ok((machine.graph, root));
            }
            opcode => machine.step(opcode)?,
        }
    }
    Err(machine.fault(format!("the pickle has more than {MAX_OPCODES} opcodes")))
}

struct Machine<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// Offset of the current opcode.
    offset: usize,
    graph: Graph<'a>,
    stack: Vec<Id>,
    /// Stack heights at each MARK.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

impl<'a> Machine<'_, 'a> {
    fn step(&mut self, opcode: u8) -> Result<(), Fault> {
        match opcode {
            PROTO => match self.reader.byte()? {
                0..=5 => Ok(()),
                protocol => Err(self.fault(format!(
                    "pickle protocol {protocol} is unknown; known are 0 to 5"
                ))),
            },
            FRAME => self.reader.len64().map(|_| ()),
            MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            POP => match self.marks.last() {
                Some(&height) if height == self.stack.len() => self.pop_mark().map(|_| ()),
                _ => self.pop().map(|_| ()),
            },
            POP_MARK => self.pop_mark().map(|_| ()),
            DUP => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            PUT | BINPUT | LONG_BINPUT | MEMOIZE => self.put(opcode),
            GET | BINGET | LONG_BINGET => self.get(opcode),
            TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | LIST | DICT | FROZENSET => self.collect(opcode),
            APPEND | APPENDS | ADDITEMS | SETITEM | SETITEMS => self.fill(opcode),
            GLOBAL | STACK_GLOBAL | REDUCE | NEWOBJ | NEWOBJ_EX | OBJ | INST | BUILD => {
                self.construct(opcode)
            }
            PERSID | BINPERSID => {
                let id = match opcode {
                    PERSID => {
                        let text = self.reader.line()?.into();
                        self.graph.push(Node::Text(text), self.offset)
                    }
                    _ => self.pop()?,
                };
                self.push(Node::Persistent(id))
            }
            _ => {
                let node = self.scalar(opcode)?;
                self.push(node)
            }
        }
    }

    /// A value encoded in the opcode itself, or an empty container.
    fn scalar(&mut self, opcode: u8) -> Result<Node<'a>, Fault> {
        let reader = &mut *self.reader;
        Ok(match opcode {
            NONE => Node::None,
            NEWTRUE => Node::Bool(true),
            NEWFALSE => Node::Bool(false),
            BININT => Node::Int(i32::from_le_bytes(reader.array()?).into()),
            BININT1 => Node::Int(reader.byte()?.into()),
            BININT2 => Node::Int(u16::from_le_bytes(reader.array()?).into()),
            INT | LONG => {
                let line = reader.line()?;
                match line {
                    "00" => Node::Bool(false),
                    "01" => Node::Bool(true),
                    _ => text::integer(line).map_err(|reason| self.fault(reason))?,
                }
            }
            LONG1 => {
                let length = reader.byte()?.into();
                integer(reader.take(length)?)
            }
            LONG4 => {
                let length = reader.len32()?;
                integer(reader.take(length)?)
            }
            FLOAT => match reader.line()?.parse() {
                Ok(value) => Node::Float(value),
                Err(_) => return Err(self.fault("not a number")),
            },
            BINFLOAT => Node::Float(f64::from_be_bytes(reader.array()?)),
            SHORT_BINUNICODE => {
                let length = reader.byte()?.into();
                Node::Text(reader.text(length)?.into())
            }
            BINUNICODE => {
                let length = reader.len32()?;
                Node::Text(reader.text(length)?.into())
            }
            BINUNICODE8 => {
                let length = reader.len64()?;
                Node::Text(reader.text(length)?.into())
            }
            UNICODE => {
                let line = reader.line_bytes()?;
                Node::Text(text::unicode(line).map_err(|reason| self.fault(reason))?)
            }
            STRING => {
                let line = reader.line_bytes()?;
                Node::Bytes(text::string(line).map_err(|reason| self.fault(reason))?)
            }
            SHORT_BINSTRING | SHORT_BINBYTES => {
                let length = reader.byte()?.into();
                Node::Bytes(reader.take(length)?.into())
            }
            BINSTRING | BINBYTES => {
                let length = reader.len32()?;
                Node::Bytes(reader.take(length)?.into())
            }
            BINBYTES8 | BYTEARRAY8 => {
                let length = reader.len64()?;
                Node::Bytes(reader.take(length)?.into())
            }
            EMPTY_TUPLE => Node::Tuple(Vec::new()),
            EMPTY_LIST => Node::List(Vec::new()),
            EMPTY_DICT => Node::Dict(Vec::new()),
            EMPTY_SET => Node::Set(Vec::new()),
            _ => return Err(self.fault(format!("0x{opcode:02x} is not a pickle opcode"))),
        })
    }

    fn put(&mut self, opcode: u8) -> Result<(), Fault> {
        let slot = match opcode {
            MEMOIZE => self.memo.len(),
            _ => self.slot(opcode)?,
        };
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn get(&mut self, opcode: u8) -> Result<(), Fault> {
        let slot = self.slot(opcode)?;
        let Some(&id) = self.memo.get(&slot) else {
            return Err(self.fault(format!("memo entry {slot} is read before it is written")));
        };
        self.stack.push(id);
        Ok(())
    }

    fn slot(&mut self, opcode: u8) -> Result<usize, Fault> {
        match opcode {
            PUT | GET => {
                let line = self.reader.line()?;
                line.parse()
                    .map_err(|_| self.fault("a memo entry has no number"))
            }
            BINPUT | BINGET => self.reader.byte().map(usize::from),
            _ => self.reader.len32(),
        }
    }

    /// Makes a container from the top of the stack.
    fn collect(&mut self, opcode: u8) -> Result<(), Fault> {
        let elements = match opcode {
            TUPLE1 => self.pop_many(1)?,
            TUPLE2 => self.pop_many(2)?,
            TUPLE3 => self.pop_many(3)?,
            _ => self.pop_mark()?,
        };
        let node = match opcode {
            LIST => Node::List(elements),
            FROZENSET => Node::Set(elements),
            DICT => Node::Dict(self.pairs(&elements)?),
            _ => Node::Tuple(elements),
        };
        self.push(node)
    }

    /// Moves the top of the stack into the container below it.
    fn fill(&mut self, opcode: u8) -> Result<(), Fault> {
        let added = match opcode {
            APPEND => self.pop_many(1)?,
            SETITEM => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        let target = self.top()?;
        let is_mapping = matches!(opcode, SETITEM | SETITEMS);
        let pairs = match is_mapping {
            true => self.pairs(&added)?,
            false => Vec::new(),
        };
        match (self.graph.node_mut(target), is_mapping) {
            (Node::Dict(items), true) => items.extend(pairs),
            (Node::Call(call), true) => call.items.extend(pairs),
            (Node::List(elements) | Node::Set(elements), false) => elements.extend(added),
            (Node::Call(call), false) => call.elements.extend(added),
            _ => return Err(self.fault("an object that takes no elements gets some")),
        }
        Ok(())
    }

    /// Pushes a class or function, or records a call.
    fn construct(&mut self, opcode: u8) -> Result<(), Fault> {
        let (callee, args) = match opcode {
            GLOBAL => {
                let global = self.global_lines()?;
                return self.push(global);
            }
            STACK_GLOBAL => {
                let names = self.pop_many(2)?;
                let name = |i: usize| match *self.graph.node(names[i]) {
                    Node::Text(Cow::Borrowed(name)) => Some(name),
                    Node::Bytes(Cow::Borrowed(name)) => str::from_utf8(name).ok(),
                    _ => None,
                };
                let [Some(module), Some(name)] = [0, 1].map(name) else {
                    return Err(self.fault("the name of a global is not a string"));
                };
                return self.push(Node::Global { module, name });
            }
            BUILD => {
                let state = self.pop()?;
                let target = self.top()?;
                let Node::Call(call) = self.graph.node_mut(target) else {
                    return Err(self.fault("an object that has no state gets one"));
                };
                call.state = Some(state);
                return Ok(());
            }
            INST => {
                let global = self.global_lines()?;
                let callee = self.graph.push(global, self.offset);
                (callee, self.pop_mark()?)
            }
            OBJ => {
                let mut elements = self.pop_mark()?;
                if elements.is_empty() {
                    return Err(self.fault("an object has no class"));
                }
                (elements.remove(0), elements)
            }
            _ => {
                if opcode == NEWOBJ_EX {
                    // Keyword arguments: no supported class has any.
                    self.pop()?;
                }
                let args = self.pop()?;
                let callee = self.pop()?;
                return self.push_call(callee, args);
            }
        };
        let args = self.graph.push(Node::Tuple(args), self.offset);
        self.push_call(callee, args)
    }

    fn push_call(&mut self, callee: Id, args: Id) -> Result<(), Fault> {
        self.push(Node::Call(Box::new(Call {
            callee,
            args,
            state: None,
            items: Vec::new(),
            elements: Vec::new(),
        })))
    }

    fn global_lines(&mut self) -> Result<Node<'a>, Fault> {
        Ok(Node::Global {
            module: self.reader.line()?,
            name: self.reader.line()?,
        })
    }

    fn pairs(&self, elements: &[Id]) -> Result<Vec<(Id, Id)>, Fault> {
        match elements.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            _ => Err(self.fault("a key has no value")),
        }
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), Fault> {
        let id = self.graph.push(node, self.offset);
        self.stack.push(id);
        Ok(())
    }

    fn top(&self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&top) if self.stack.len() > floor => Ok(top),
            _ => Err(self.fault("the stack is empty")),
        }
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        let mut popped = (0..count)
            .map(|_| self.pop())
            .collect::<Result<Vec<_>, _>>()?;
        popped.reverse();
        Ok(popped)
    }

    /// Pops everything above the last MARK, and the MARK.
    fn pop_mark(&mut self) -> Result<Vec<Id>, Fault> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => Err(self.fault("the stack has no MARK")),
        }
    }

    fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.offset, reason)
    }
}

/// A little-endian two's complement integer of any length.
fn integer(bytes: &[u8]) -> Node<'_> {
    let sign = match bytes.last() {
        Some(&most) if most >= 0x80 => 0xff,
        _ => 0,
    };
    if bytes.len() > 8 {
        return Node::BigInt;
    }
    let mut extended = [sign; 8];
    extended[..bytes.len()].copy_from_slice(bytes);
    Node::Int(i64::from_le_bytes(extended))
}
