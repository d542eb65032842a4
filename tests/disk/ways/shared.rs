{
    #[singleton]
    fn scaled(x: u64) -> u64 {
        computed(x * FACTOR)
    }
    |x| *scaled(x)
}
