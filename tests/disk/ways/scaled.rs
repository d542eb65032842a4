{
    #[memo(store = "disk")]
    fn scaled(x: u64) -> u64 {
        computed(x * FACTOR)
    }
    scaled
}
