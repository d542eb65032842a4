{
    #[memo(store = "disk", name = "identity::another")]
    fn way(point: Point) -> u64 {
        computed(point.x * 10 + point.y)
    }
    way
}
