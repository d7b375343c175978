//! The first document of a YAML file, with the positions of its nodes.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScanError, Span, StructureStyle};

/// A node. An alias stays one, so a document is never larger than its file.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    /// Where it begins in the file, in bytes.
    pub start: usize,
    /// Where it ends. A block ends with its last node, perhaps after the line break.
    pub end: usize,
    pub is_flow: bool,
    anchor: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The text is shared: many aliases may stand for it.
    Scalar {
        text: Rc<str>,
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Alias(usize),
}

/// Positions and notations do not matter.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar { text: a, .. }, Value::Scalar { text: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }
}

/// Parses the first document of a file; `None` if it has none.
///
/// # Errors
///
/// Returns the number of a line that is not valid YAML.
pub fn parse(file: &str) -> Result<Option<Node>, usize> {
    let mut events = Parser::new_from_str(file);
    loop {
        match next(&mut events)? {
            (Event::StreamEnd, _) => return Ok(None),
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (event, span) => return node(event, span, &mut events).map(Some),
        }
    }
}

type Events<'a> = Parser<'a, granit_parser::StrInput<'a>>;

fn next<'a>(events: &mut Events<'a>) -> Result<(Event<'a>, Span), usize> {
    let line = |error: ScanError| error.marker().line();
    events.next().unwrap_or(Ok((Event::StreamEnd, Span::default()))).map_err(line)
}

/// Reads a node that begins with this event. The parser limits the depth.
fn node<'a>(event: Event<'a>, span: Span, events: &mut Events<'a>) -> Result<Node, usize> {
    let is_flow = matches!(
        event,
        Event::SequenceStart(StructureStyle::Flow, ..)
            | Event::MappingStart(StructureStyle::Flow, ..)
    );
    let start = offset(span.start);
    let mut end = offset(span.end);
    let (value, anchor) = match event {
        Event::Scalar(text, style, anchor, _) => {
            let is_plain = style == granit_parser::ScalarStyle::Plain;
            (Value::Scalar { text: text.into(), is_plain }, anchor)
        }
        Event::SequenceStart(_, anchor, _) => {
            let mut list = Vec::new();
            loop {
                match next(events)? {
                    (Event::SequenceEnd, span) if is_flow => {
                        end = offset(span.end);
                        break;
                    }
                    (Event::SequenceEnd, _) => break,
                    (event, span) => list.push(node(event, span, events)?),
                }
                end = list.last().map_or(end, |last| last.end);
            }
            (Value::List(list), anchor)
        }
        Event::MappingStart(_, anchor, _) => {
            let mut map = Vec::new();
            loop {
                let key = match next(events)? {
                    (Event::MappingEnd, span) if is_flow => {
                        end = offset(span.end);
                        break;
                    }
                    (Event::MappingEnd, _) => break,
                    (event, span) => node(event, span, events)?,
                };
                let (event, span) = next(events)?;
                let value = node(event, span, events)?;
                end = value.end.max(key.end);
                map.push((key, value));
            }
            (Value::Map(map), anchor)
        }
        Event::Alias(anchor) => (Value::Alias(anchor), 0),
        _ => return Err(span.start.line()),
    };
    Ok(Node { value, start, end, is_flow, anchor })
}

fn offset(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}

/// A document with the nodes that its aliases stand for: a search for each of them would take too long.
pub struct Document<'a> {
    root: &'a Node,
    anchors: HashMap<usize, &'a Node>,
}

impl<'a> Document<'a> {
    pub fn of(root: &'a Node) -> Self {
        let mut anchors = HashMap::new();
        root.collect(&mut anchors);
        Self { root, anchors }
    }

    /// Returns the value at a path of keys below the root.
    pub fn get(&self, path: &[&str]) -> Option<&'a Node> {
        self.at(self.root, path)
    }

    /// Returns the value at a path of keys below `node`.
    pub fn at(&self, node: &'a Node, path: &[&str]) -> Option<&'a Node> {
        path.iter()
            .try_fold(self.resolved(node), |node, key| Some(self.resolved(node.entry(key)?.1)))
    }

    /// Returns the node that an alias stands for.
    pub fn resolved(&self, node: &'a Node) -> &'a Node {
        match node.value {
            Value::Alias(anchor) => self.anchors.get(&anchor).copied().unwrap_or(node),
            _ => node,
        }
    }
}

#[cfg(test)]
thread_local! {
    /// How many nodes this thread has searched for anchors.
    pub static VISITED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Node {
    /// Collects the nodes with an anchor. The parser gives each anchor a number of its own, also if a name occurs again,
    /// and an alias the number of the last anchor before it.
    fn collect<'a>(&'a self, anchors: &mut HashMap<usize, &'a Self>) {
        #[cfg(test)]
        VISITED.set(VISITED.get() + 1);
        if self.anchor != 0 {
            anchors.insert(self.anchor, self);
        }
        match &self.value {
            Value::List(list) => list.iter().for_each(|node| node.collect(anchors)),
            Value::Map(map) => map.iter().for_each(|(key, value)| {
                key.collect(anchors);
                value.collect(anchors);
            }),
            Value::Scalar { .. } | Value::Alias(_) => {}
        }
    }

    /// Returns the key and the value of an entry of this mapping.
    pub fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        let Value::Map(map) = &self.value else { return None };
        map.iter().find(|(name, _)| name.text() == Some(key)).map(|(name, value)| (name, value))
    }

    /// Returns the text of a scalar.
    pub fn text(&self) -> Option<&str> {
        self.shared_text().map(|text| &**text)
    }

    /// Returns the text of a scalar, which can be kept without a copy.
    pub fn shared_text(&self) -> Option<&Rc<str>> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the nodes of a list.
    pub fn list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// Returns the entries of a mapping.
    pub fn map(&self) -> Option<&[(Self, Self)]> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn map_mut(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        let is_null = |text: &str| matches!(text, "" | "~" | "null" | "Null" | "NULL");
        matches!(&self.value, Value::Scalar { text, is_plain: true } if is_null(text))
    }
}
