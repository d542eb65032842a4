//! What can be tested without a server.

use super::*;
use crate::golden::Golden;

mod golden {
    use super::*;

    /// A command as it goes to the server.
    fn packed(commands: impl IntoIterator<Item = Cmd>) -> Vec<u8> {
        commands.into_iter().flat_map(|command| command.get_packed_command()).collect()
    }

    #[test]
    fn what_a_server_has_is_called_as_it_was() {
        let store = RedisStore::builder("redis://127.0.0.1:1").prefix("app").connect();
        let function = FunctionId::new("app::square", [0x11; 16]);
        let record = store.record_of(&function);
        let mut golden = Golden::default();
        golden.line("the place of a call", store.key_of_call(&function, &[0x22; 32]));
        golden.line("a look at a function's record", packed(record.read(Some("22"))));
        golden.line("a look at the record of all", packed(store.all.read(None)));
        golden.line("a record", packed(record.copied(0, 1, &record::Said::default())));
        golden.line("a look for a tag", packed(store.looks_for(&[[0x33; 32]])));
        golden.line("a moment of several", mixed([1, 2, 3, 4]).to_be_bytes());
        golden.assert(file!(), "commands");
    }
}
