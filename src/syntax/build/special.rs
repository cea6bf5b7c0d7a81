//! Calls whose arguments are no plain expressions: `cast`, `json`, and the literals `date` and `timestamp`.

use super::{Builder, expr::Place};
use crate::{
    diagnostic::Spanned,
    error,
    syntax::{
        ast::{ExprKind, Literal, Path, TypeArgument, TypeName},
        grammar::{Node, Rule},
    },
};

impl Builder<'_> {
    /// The call of one of these functions.
    pub(super) fn special(&mut self, word: &str, path: Path, arguments: &[Node<'_>], place: Place) -> Option<ExprKind> {
        match word {
            "cast" => self.cast(&path, arguments, place),
            "json" => self.json(&path, arguments, place),
            _ => {
                let literal = match arguments {
                    [argument] => only_string(argument).map(|s| self.string(&s).value),
                    _ => None,
                };
                Some(match (literal, word) {
                    (Some(text), "date") => ExprKind::Literal(Literal::Date(text)),
                    (Some(text), _) => ExprKind::Literal(Literal::Timestamp(text)),
                    (None, _) => ExprKind::Call { function: path, arguments: self.arguments(arguments, place)? },
                })
            }
        }
    }

    fn cast(&mut self, path: &Path, arguments: &[Node<'_>], place: Place) -> Option<ExprKind> {
        if let [argument] = arguments {
            let inner: Vec<Node<'_>> = argument.clone().into_inner().collect();
            if let [expr, _, ty] = inner.as_slice()
                && ty.as_rule() == Rule::typ
            {
                let operand = Box::new(self.expr(expr.clone(), place)?);
                return Some(ExprKind::Cast { operand, ty: self.ty(ty.clone())? });
            }
        }
        self.tell(error!(
            E0136, path.span, "`cast` wants a value and a type"; help: "write `cast(x as decimal(18,2))`"
        ))
    }

    fn json(&mut self, path: &Path, arguments: &[Node<'_>], place: Place) -> Option<ExprKind> {
        if let [operand, place_in_it, ty] = arguments
            && let Some(json_path) = only_string(place_in_it)
            && let Some(ty) = self.type_of_argument(ty)
        {
            let operand = operand.clone().into_inner().find(|n| n.as_rule() == Rule::expr)?;
            let operand = Box::new(self.expr(operand, place)?);
            return Some(ExprKind::Json { operand, path: self.string(&json_path), ty });
        }
        self.tell(error!(
            E0136, path.span, "`json` wants a value, a path in quotes and a type";
            help: "write `json(x, \"$.price\", decimal(18,2))`"
        ))
    }

    /// The type that an argument, parsed as an expression, is.
    fn type_of_argument(&mut self, argument: &Node<'_>) -> Option<TypeName> {
        let inner: Vec<Node<'_>> = argument.clone().into_inner().collect();
        let nullable = match inner.as_slice() {
            [_] => false,
            [_, mark] if mark.as_rule() == Rule::nullable => true,
            _ => return None,
        };
        let elements: Vec<Node<'_>> = inner.first()?.clone().into_inner().collect();
        let [element] = elements.as_slice() else { return None };
        if element.as_rule() != Rule::reference {
            return None;
        }
        let mut parts = element.clone().into_inner();
        let name = self.path(&parts.next()?)?;
        let mut ty =
            TypeName { name: name.single()?.clone(), arguments: Vec::new(), nullable, span: self.span(argument) };
        for argument in parts.flat_map(Node::into_inner).filter(|n| n.as_rule() == Rule::argument) {
            let value = match single(&argument) {
                Some(value) if value.as_rule() == Rule::string => TypeArgument::String(self.string(&value)),
                Some(value) if value.as_rule() == Rule::numeric => {
                    let span = self.span(&value);
                    TypeArgument::Int(Spanned::new(self.text(&value).parse().ok()?, span))
                }
                _ => TypeArgument::Type(self.type_of_argument(&argument)?),
            };
            ty.arguments.push(value);
        }
        Some(ty)
    }
}

/// The only operand of an argument that has neither a name nor a type.
pub(super) fn single<'t>(argument: &Node<'t>) -> Option<Node<'t>> {
    let mut inner = argument.clone().into_inner();
    let (first, None) = (inner.next()?, inner.next()) else { return None };
    let mut elements = first.into_inner();
    let (element, None) = (elements.next()?, elements.next()) else { return None };
    Some(element)
}

fn only_string<'t>(argument: &Node<'t>) -> Option<Node<'t>> {
    single(argument).filter(|n| n.as_rule() == Rule::string)
}
