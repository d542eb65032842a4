//! What memo promises, checked one by one on one thread: where a call that waited would never end,
//! and where a panic ends the program.

pub mod checks;

/// Runs every check; how many there are. One that fails panics.
pub fn run(say: impl Fn(&str)) -> u32 {
    for (name, check) in checks::ALL {
        say(name);
        check();
    }
    checks::ALL.len() as u32
}

/// The way in and out of a program that has no `main` and nowhere to write to.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod host {
    #[link(wasm_import_module = "host")]
    extern "C" {
        fn say(text: *const u8, len: usize);
    }

    fn tell(text: &str) {
        // SAFETY: the host reads so many bytes from there before it returns.
        unsafe { say(text.as_ptr(), text.len()) };
    }

    #[no_mangle]
    pub extern "C" fn run() -> u32 {
        std::panic::set_hook(Box::new(|info| tell(&info.to_string())));
        memo::set_reporter(|error| tell(&error.to_string()));
        crate::run(tell)
    }
}
