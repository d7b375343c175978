//! The first document of a YAML file, with the positions of its nodes.

use granit_parser::{Event, Parser, ScanError, Span, StructureStyle};

/// A node. An alias stays one, so a document is never larger than its file.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    /// Where it begins in the file, in bytes.
    pub start: usize,
    pub is_flow: bool,
    anchor: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar { text: String, is_plain: bool },
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
    let (value, anchor) = match event {
        Event::Scalar(text, style, anchor, _) => {
            let is_plain = style == granit_parser::ScalarStyle::Plain;
            (Value::Scalar { text: text.into_owned(), is_plain }, anchor)
        }
        Event::SequenceStart(_, anchor, _) => {
            let mut list = Vec::new();
            loop {
                match next(events)? {
                    (Event::SequenceEnd, _) => break,
                    (event, span) => list.push(node(event, span, events)?),
                }
            }
            (Value::List(list), anchor)
        }
        Event::MappingStart(_, anchor, _) => {
            let mut map = Vec::new();
            loop {
                let key = match next(events)? {
                    (Event::MappingEnd, _) => break,
                    (event, span) => node(event, span, events)?,
                };
                let (event, span) = next(events)?;
                map.push((key, node(event, span, events)?));
            }
            (Value::Map(map), anchor)
        }
        Event::Alias(anchor) => (Value::Alias(anchor), 0),
        _ => return Err(span.start.line()),
    };
    Ok(Node { value, start: span.start.byte_offset().unwrap_or_default(), is_flow, anchor })
}

impl Node {
    /// Returns the key and the value of an entry of this mapping.
    pub fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        let Value::Map(map) = &self.value else { return None };
        map.iter().find(|(name, _)| name.text() == Some(key)).map(|(name, value)| (name, value))
    }

    /// Returns the value at a path of keys, in the document `self`, below `node`.
    pub fn at<'a>(&'a self, node: &'a Self, path: &[&str]) -> Option<&'a Self> {
        path.iter()
            .try_fold(self.resolved(node), |node, key| Some(self.resolved(node.entry(key)?.1)))
    }

    /// Returns the node that an alias in the document `self` stands for.
    pub fn resolved<'a>(&'a self, node: &'a Self) -> &'a Self {
        match node.value {
            Value::Alias(anchor) => self.anchored(anchor).unwrap_or(node),
            _ => node,
        }
    }

    fn anchored(&self, anchor: usize) -> Option<&Self> {
        if self.anchor == anchor {
            return Some(self);
        }
        match &self.value {
            Value::List(list) => list.iter().find_map(|node| node.anchored(anchor)),
            Value::Map(map) => map
                .iter()
                .flat_map(|(key, value)| [key, value])
                .find_map(|node| node.anchored(anchor)),
            Value::Scalar { .. } | Value::Alias(_) => None,
        }
    }

    /// Returns the text of a scalar.
    pub fn text(&self) -> Option<&str> {
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

    pub fn is_null(&self) -> bool {
        let is_null = |text: &str| matches!(text, "" | "~" | "null" | "Null" | "NULL");
        matches!(&self.value, Value::Scalar { text, is_plain: true } if is_null(text))
    }
}
