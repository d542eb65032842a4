//! The checks, each named by what it finds.

mod data;
mod resources;
mod stores;
mod tasks;
#[cfg(feature = "ttl")]
mod time;

type Check = (&'static str, fn());

macro_rules! checks {
    ($($(#[$attribute:meta])* $room:ident :: $check:ident,)*) => {
        pub(crate) const ALL: &[Check] =
            &[$($(#[$attribute])* (stringify!($check), $room::$check as fn()),)*];
    };
}

checks! {
    data::a_hit_does_not_run_the_body,
    data::records_come_back_as_they_were,
    data::what_is_cleared_or_removed_is_computed_again,
    data::bounds_hold,
    data::a_block_that_is_isolated_has_every_function_to_itself,
    data::a_call_that_would_wait_for_itself_is_computed,
    tasks::a_task_finds_what_another_computed,
    tasks::a_task_does_not_wait_for_one_that_nobody_polls,
    tasks::a_dropped_leader_is_followed_by_the_next_call,
    tasks::a_sync_call_does_not_wait_for_what_its_own_thread_would_have_to_compute,
    resources::callers_share_one_instance,
    resources::a_resource_is_released_by_the_next_miss_after_its_last_holder,
    stores::a_store_of_the_users_is_asked_behind_memory,
    stores::a_store_whose_results_do_not_last_is_asked_each_time_where_there_is_no_clock,
    stores::a_fleet_is_not_waited_for_where_there_is_no_clock,
    #[cfg(feature = "disk")]
    stores::a_function_whose_store_has_no_files_computes,
    #[cfg(feature = "ttl")]
    time::a_result_is_not_served_after_its_ttl,
    #[cfg(feature = "ttl")]
    time::a_clock_that_is_moved_makes_a_result_old,
}
