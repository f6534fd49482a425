//! Arithmetic on 128 bits. This compiler's callers split the second argument over a6, a7 and the
//! stack; the compiler's own functions expect all of it on the stack, and compute nonsense. The
//! shims stand between the two.

use std::fmt::Write;

use super::BuildError;

/// Functions of two arguments of 128 bits, whose shim is the same.
const SHIMMED: [&str; 5] = ["__udivti3", "__umodti3", "__divti3", "__modti3", "__multi3"];
/// Functions with more arguments, for which there is no shim.
const UNSHIMMED: [&str; 3] = ["__udivmodti4", "__divmodti4", "__muloti4"];

/// Assembly of the shims, for the functions that `builtins` (the compiler's own, as assembly)
/// defines. They win over the weak symbols there.
pub(super) fn assembly(builtins: &str) -> Result<String, BuildError> {
    let mut shims = String::new();
    for name in SHIMMED {
        let inner = inner_function(builtins, name).ok_or_else(|| {
            BuildError::WrongCode(format!(
                "the compiler's own functions have no {name} under their mangled name, so it gets \
                 no shim; the compiler is not the pinned one?"
            ))
        })?;
        // Writing to a String cannot fail.
        let _ = write!(
            shims,
            " .section .text.{name},\"ax\"
 .literal_position
 .align 4
 .global {name}
 .type {name},@function
{name}:
 addi a1, a1, -32
 s32i a0, a1, 16
 l32i a8, a1, 32
 l32i a9, a1, 36
 s32i a6, a1, 0
 s32i a7, a1, 4
 s32i a8, a1, 8
 s32i a9, a1, 12
 movi a0, {inner}
 callx0 a0
 l32i a0, a1, 16
 addi a1, a1, 32
 ret
"
        );
    }
    Ok(shims)
}

/// The mangled name of the function that the symbol `name` stands for: v0 mangling ends it with
/// the length of the name, an underscore where the name starts with one, and the name.
fn inner_function<'a>(builtins: &'a str, name: &str) -> Option<&'a str> {
    let ending = format!("{}_{name}", name.len());
    builtins
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".type")?.trim().split_once(','))
        .filter(|(_, kind)| kind.trim() == "@function")
        .map(|(symbol, _)| symbol)
        .find(|symbol| symbol.starts_with("_R") && symbol.ends_with(&ending))
}

/// Checks the image: whatever it has of these functions comes from the shims. `symbols` is the
/// output of `nm`.
pub(super) fn check(symbols: &str) -> Result<(), BuildError> {
    for line in symbols.lines() {
        let mut words = line.split_whitespace().rev();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        let wrong = UNSHIMMED.contains(&name) || (SHIMMED.contains(&name) && kind != "T");
        if wrong {
            return Err(BuildError::WrongCode(format!(
                "the image uses {name}, and this compiler passes its 128-bit arguments wrongly; \
                 use 64 bits, or add a shim in harness/src/firmware_build/shims.rs"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtins() -> String {
        SHIMMED
            .map(|name| {
                format!(
                    "\t.type\t_RNvNtC1a_17compiler_builtins3int{}_{name},@function\n\
                     \t.weak\t{name}\n\t.type\t{name},@function\n",
                    name.len()
                )
            })
            .concat()
    }

    #[test]
    fn every_shim_calls_the_function_behind_its_name() {
        let shims = assembly(&builtins()).unwrap();
        for name in SHIMMED {
            let call = format!("int{}_{name}\n callx0 a0", name.len());
            assert!(shims.contains(&call), "{name}");
            assert!(shims.contains(&format!(".global {name}\n")), "{name}");
        }
    }

    #[test]
    fn a_shim_without_its_function_is_an_error() {
        let without = builtins().replace("8___modti3,", "8___modti5,");
        let error = assembly(&without).unwrap_err();
        assert!(error.to_string().contains("__modti3"), "{error}");
    }

    #[test]
    fn an_image_passes_with_shims_and_fails_without() {
        assert!(check("60041000 T __udivti3\n60041100 t main\n").is_ok());
        let error = check("60041000 W __udivti3\n").unwrap_err();
        assert!(error.to_string().contains("__udivti3"), "{error}");
        let error = check("60041000 W __udivmodti4\n").unwrap_err();
        assert!(error.to_string().contains("__udivmodti4"), "{error}");
    }
}
